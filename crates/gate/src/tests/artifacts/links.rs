//! Links to artifacts: those to the store are replaced by the gateway's own, where it is configured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::testing::drive::Got;

const LINK: &str = "CASRedirectService/GetDownloadURL";

/// The same world, with an artifact store.
pub(super) fn with_store(lease_ms: u32, scope: Scope) -> (World, String) {
    let (world, credential) = world(lease_ms, scope);
    world.configure(&Rc::new(Config {
        revocation_lease_ms: lease_ms,
        artifact_cas_url: Some("https://cas.example/base".to_owned()),
        ..testing::config()
    }));
    (world, credential)
}

fn own_link() -> String {
    format!("https://gate.example/cas/download/{DIGEST}")
}

fn value<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    let found = got.headers.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn r46_a_link_to_the_store_becomes_one_to_the_gateway() {
    let store = format!("https://cas.elsewhere/download/{DIGEST}?t={SECRET}");
    let message = message::embedded(1, &message::text(2, &own_link()));
    let trailers = b"grpc-status:0\r\nx-of-origin:1\r\n";
    let frames = [frame(0, &message), frame(0x80, trailers)].concat();
    let of_origin = |text: &str| {
        let message = message::embedded(1, &message::text(2, text));
        [frame(0, &message), frame(0x80, trailers)].concat()
    };
    let (binary, text) = (
        "application/grpc-web+proto",
        "application/grpc-web-text+proto",
    );
    let rows = [
        (binary, binary, of_origin(&store), frames.clone()),
        (
            text,
            text,
            STANDARD.encode(of_origin(&store)).into_bytes(),
            STANDARD.encode(&frames).into_bytes(),
        ),
        ("application/proto", binary, of_origin(&store), message),
    ];
    for (asked, answered, body, expected) in rows {
        let (world, credential) = with_store(0, Scope::Organization);
        *world.origin.borrow_mut() = Ok(Answer {
            status: 200,
            headers: vec![
                header("content-type", answered),
                header("content-length", &body.len().to_string()),
            ],
            body,
        });
        let path = format!("/controlplane.v1.{LINK}");
        let message = message::text(1, DIGEST);
        let mut sent = Sent::grpc_web(&path, Some(&credential), &message);
        sent.headers[0].1 = asked.to_owned();
        sent.body = match asked {
            "application/proto" => message,
            asked if asked == text => STANDARD.encode(&sent.body).into_bytes(),
            _ => sent.body,
        };
        let outcome = drive(&world, &sent).expect("a call");
        assert!(!has_secret(&outcome), "{asked}");
        let got = outcome.got.expect("it passes");
        assert_eq!(got.body, expected, "{asked}");
        assert_eq!(value(&got, "content-length"), None, "{asked}");
        // Nothing was handed out.
        assert_eq!(world.recorded.borrow().len(), 0);
    }
}

#[test]
fn r46_a_link_that_is_not_to_the_artifact_reaches_nobody() {
    let other = DIGEST.replace('2', "3");
    for link in [
        format!("https://cas.elsewhere/download/{other}?t={SECRET}"),
        format!("https://cas.elsewhere/files/{DIGEST}?t={SECRET}"),
        format!("https://cas.elsewhere/download/{DIGEST}?x=1&t={SECRET}"),
        SECRET.to_owned(),
    ] {
        let (world, credential) = with_store(0, Scope::Organization);
        *world.origin.borrow_mut() = Ok(handed_out(&link));
        let outcome = call(&world, &credential, LINK, &message::text(1, DIGEST));
        assert_eq!(outcome.verdict(), "origin_unavailable", "{link}");
        assert!(!has_secret(&outcome), "{link}");
    }
}
