//! What the bridge answers itself: health and reflection, as the clients of these two ask.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use postern_cli::bridge::SERVICES;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use serde_json::json;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::gateway::{Gateway, Reply, json, problem};
use crate::support::{Bridge, Handmade, good};

const CARRIED: &str = "controlplane.v1.AttestationService";

async fn channel(bridge: &Bridge) -> Channel {
    let url = format!("http://{}", bridge.address);
    Channel::from_shared(url).unwrap().connect().await.unwrap()
}

fn about(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest {
        service: service.into(),
    })
}

async fn check(bridge: &Bridge, service: &str) -> Result<ServingStatus, Code> {
    let mut client = HealthClient::new(channel(bridge).await);
    let answer = client.check(about(service)).await;
    answer
        .map(|answer| answer.into_inner().status())
        .map_err(|status| status.code())
}

fn ready() -> Reply {
    json(200, &json!({ "status": "ready" }))
}

#[tokio::test]
async fn health_of_the_bridge_and_of_the_gateway() {
    let page = Reply {
        body: "<html>".to_owned(),
        ..ready()
    };
    for (reply, expected) in [
        (ready(), ServingStatus::Serving),
        (
            json(503, &json!({ "status": "unavailable" })),
            ServingStatus::NotServing,
        ),
        (
            json(503, &json!({ "status": "ready" })),
            ServingStatus::NotServing,
        ),
        (problem(503, "misconfigured"), ServingStatus::NotServing),
        // What answers there is no gateway.
        (page, ServingStatus::NotServing),
        (json(200, &json!({})), ServingStatus::NotServing),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let bridge = Bridge::start(&gateway.url, &[]).await;
        for own in [
            "",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ] {
            assert_eq!(
                check(&bridge, own).await,
                Ok(ServingStatus::Serving),
                "{own}"
            );
        }
        assert_eq!(check(&bridge, CARRIED).await, Ok(expected));
        assert_eq!(check(&bridge, "some.Other").await, Err(Code::NotFound));
        // The one answer counts for the next second: there is no second one here.
        assert_eq!(check(&bridge, CARRIED).await, Ok(expected));
        assert_eq!(gateway.asked(), ["GET /readyz"]);
        let came = gateway.came.lock().unwrap();
        assert!(!came[0].headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_not_serving() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let bridge = Bridge::start(&url, &[]).await;
    assert_eq!(check(&bridge, "").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&bridge, CARRIED).await, Ok(ServingStatus::NotServing));
    let log = bridge.log(2).await;
    assert!(
        log[1].contains(" /grpc.health.v1.Health/Check OK (0) "),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_watch_tells_the_status_at_once_and_each_change() {
    let gateway = Gateway::start(vec![ready(), problem(503, "unavailable")]).await;
    let bridge = Bridge::start(&gateway.url, &[]).await;
    let mut client = HealthClient::new(channel(&bridge).await);
    let mut own = client.watch(about("")).await.unwrap().into_inner();
    let mut carried = client.watch(about(CARRIED)).await.unwrap().into_inner();
    let mut unknown = client
        .watch(about("some.Other"))
        .await
        .unwrap()
        .into_inner();
    for (watch, status) in [
        (&mut own, ServingStatus::Serving),
        (&mut carried, ServingStatus::Serving),
        // It goes on: the name may become known.
        (&mut unknown, ServingStatus::ServiceUnknown),
    ] {
        assert_eq!(watch.next().await.unwrap().unwrap().status(), status);
    }
    let changed = tokio::time::timeout(Duration::from_secs(20), carried.next());
    let changed = changed.await.expect("a change is told").unwrap().unwrap();
    assert_eq!(changed.status(), ServingStatus::NotServing);
    // The others had no change in that time.
    for watch in [&mut own, &mut unknown] {
        let silent = tokio::time::timeout(Duration::from_millis(50), watch.next()).await;
        assert!(silent.is_err(), "{silent:?}");
    }
    // And when the bridge ends, nothing serves there any more.
    bridge.stop();
    assert_eq!(
        own.next().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    let end = own.next().await.unwrap().unwrap_err();
    assert_eq!(
        (end.code(), end.message()),
        (Code::Unavailable, "the bridge is ending")
    );
    let end = unknown.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
}

/// The services that are there, and the file that has `symbol`, as v1 tells them.
async fn by_v1(
    bridge: &Bridge,
    asked: v1::server_reflection_request::MessageRequest,
) -> v1::server_reflection_response::MessageResponse {
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(channel(bridge).await);
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(asked),
    };
    let asking = futures_util::stream::iter([request]);
    let mut answers = client
        .server_reflection_info(asking)
        .await
        .unwrap()
        .into_inner();
    answers
        .next()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
}

#[tokio::test]
async fn reflection_tells_the_services_and_their_messages() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;

    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let MessageResponse::ListServicesResponse(list) =
        by_v1(&bridge, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in SERVICES.iter().chain(&[
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ]) {
        assert!(
            names.iter().any(|listed| listed == name),
            "{name}: {names:?}"
        );
    }
    assert_eq!(names.len(), SERVICES.len() + 2, "{names:?}");

    let symbol = format!("{CARRIED}.Init");
    for asked in [
        MessageRequest::FileContainingSymbol(symbol),
        MessageRequest::FileByFilename("controlplane/v1/attestation.proto".into()),
    ] {
        let MessageResponse::FileDescriptorResponse(files) = by_v1(&bridge, asked).await else {
            panic!("no file");
        };
        let file = FileDescriptorProto::decode(&*files.file_descriptor_proto[0]).unwrap();
        let methods = file.service[0].method.iter().map(|method| method.name());
        assert!(methods.into_iter().any(|name| name == "Init"), "{file:?}");
        // All that it imports is there too.
        for import in file.dependency {
            let asked = MessageRequest::FileByFilename(import);
            let MessageResponse::FileDescriptorResponse(_) = by_v1(&bridge, asked).await else {
                panic!("an import is missing");
            };
        }
    }
    let unknown = MessageRequest::FileContainingSymbol("some.Other".into());
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(channel(&bridge).await);
    let asking = futures_util::stream::iter([v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(unknown),
    }]);
    let mut answers = client
        .server_reflection_info(asking)
        .await
        .unwrap()
        .into_inner();
    let status = answers.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    // Nobody asked the gateway.
    assert!(server.seen.lock().unwrap().heads.is_empty());
}

#[tokio::test]
async fn reflection_of_older_clients() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;

    let server = Handmade::answering(good()).await;
    let bridge = Bridge::start(&server.url, &[]).await;
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(channel(&bridge).await);
    let asking = futures_util::stream::iter([v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    }]);
    let mut answers = client
        .server_reflection_info(asking)
        .await
        .unwrap()
        .into_inner();
    let answer = answers
        .next()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("no list");
    };
    assert!(
        list.service.iter().any(|service| service.name == CARRIED),
        "{list:?}"
    );
}

#[test]
fn the_carried_services_are_those_of_the_operation_table() {
    let paths = postern_domain::rpc::rpcs().map(postern_domain::rpc::Rpc::path);
    let served: BTreeSet<String> = paths
        .map(|path| path.split('/').nth(1).unwrap().to_owned())
        .collect();
    let carried = SERVICES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(served, carried);
}
