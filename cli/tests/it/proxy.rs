//! A proxy between the command and a gateway, and the variables that name it and the authorities.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Output, program};
use crate::tls::Secure;

/// A proxy that answers every `CONNECT` so, and when that is a 200 goes on to the gateway, whatever
/// host was asked for.
struct Proxy {
    url: String,
    /// The heads of the requests.
    came: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(answer: &'static str, gateway: &Secure) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let to = gateway.url.trim_start_matches("https://").to_owned();
        let came: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::clone(&came);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (came, to) = (Arc::clone(&shared), to.clone());
                tokio::spawn(async move {
                    let mut socket = BufReader::new(socket);
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if socket.read_line(&mut head).await.unwrap() == 0 {
                            break;
                        }
                    }
                    came.lock().unwrap().push(head);
                    let head = format!("HTTP/1.1 {answer}\r\n\r\n");
                    socket.write_all(head.as_bytes()).await.unwrap();
                    if answer.starts_with("200") {
                        let mut gateway = TcpStream::connect(to).await.unwrap();
                        let _ = copy_bidirectional(&mut socket, &mut gateway).await;
                    }
                });
            }
        });
        Self { url, came }
    }

    fn heads(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }
}

/// `api-token list` of the gateway at this address.
async fn list(url: &str, variables: &[(&str, &str)]) -> Output {
    let words = ["api-token", "list", "--url", url, "--token", "t"];
    crate::gateway::run(&words, variables, "").await
}

#[tokio::test]
async fn calls_go_through_the_proxy_of_the_environment() {
    let gateway = Secure::start_for("gate.example", &["h2", "http/1.1"]).await;
    for (with_user, authorization) in [
        (false, None),
        (true, Some("proxy-authorization: Basic bWU6aHVudGVyMg==")),
    ] {
        let proxy = Proxy::start("200 OK", &gateway).await;
        let address = match with_user {
            true => proxy.url.replace("//", "//me:hunter2@"),
            false => proxy.url.clone(),
        };
        let variables = [
            ("HTTPS_PROXY", address.as_str()),
            ("SSL_CERT_FILE", gateway.ca()),
        ];
        let output = list("https://gate.example:8443", &variables).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, ""),
            "{}",
            output.stderr
        );
        let heads = proxy.heads();
        let [head] = &heads[..] else {
            panic!("{heads:?}");
        };
        assert!(
            head.starts_with("CONNECT gate.example:8443 HTTP/1.1\r\n"),
            "{head}"
        );
        let found = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization"));
        assert_eq!(
            found.map(str::to_ascii_lowercase),
            authorization.map(str::to_ascii_lowercase)
        );
        // The proxy sees no token.
        assert!(
            !head.to_ascii_lowercase().contains("\r\nauthorization"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_said_with_its_name() {
    let gateway = Secure::start_for("gate.example", &["http/1.1"]).await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let mut rows = vec![(nobody, "Connection refused")];
    for (answer, why) in [
        (
            "407 Proxy Authentication Required",
            "it asks for a user name and password",
        ),
        ("403 Forbidden", "it refuses to connect to the gateway"),
        ("502 Bad Gateway", "it refuses to connect to the gateway"),
    ] {
        rows.push((Proxy::start(answer, &gateway).await.url, why));
    }
    for (url, why) in rows {
        let address = url.replace("//", "//me:hunter2@");
        let output = list("https://gate.example", &[("https_proxy", &address)]).await;
        assert_eq!(output.code, 9, "{}", output.stderr);
        let message = format!(
            "postern: the gateway https://gate.example cannot be reached: through the proxy {url} (https_proxy): {why}"
        );
        assert!(output.stderr.starts_with(&message), "{}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    let output = list(
        "https://gate.example",
        &[("HTTPS_PROXY", "socks5://me:hunter2@p")],
    )
    .await;
    assert_eq!(output.code, 3);
    let message = "postern: HTTPS_PROXY is not the address of an HTTP proxy\n";
    assert!(output.stderr.starts_with(message), "{}", output.stderr);
}

#[tokio::test]
async fn what_needs_no_proxy_goes_past_it() {
    let gateway = Secure::start_for("127.0.0.1", &["h2"]).await;
    let proxy = Proxy::start("403 Forbidden", &gateway).await;
    let variables = [
        ("HTTPS_PROXY", proxy.url.as_str()),
        ("SSL_CERT_FILE", gateway.ca()),
    ];
    let output = list(&gateway.url, &variables).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let variables = [
        ("HTTPS_PROXY", proxy.url.as_str()),
        ("NO_PROXY", "gate.invalid"),
    ];
    let output = list("https://gate.invalid", &variables).await;
    assert_eq!(output.code, 9);
    assert!(!output.stderr.contains("proxy"), "{}", output.stderr);
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_names_the_file_of_authorities() {
    let gateway = Secure::start_for("127.0.0.1", &["h2"]).await;
    let other = Secure::start_for("127.0.0.1", &["h2"]).await;
    let ca = other.ca();
    let flag = ["api-token", "list", "--url", &gateway.url, "--ca", ca];
    let of_variable = list(&gateway.url, &[("SSL_CERT_FILE", ca)]).await;
    let of_flag = crate::gateway::run(&flag, &[("SSL_CERT_FILE", gateway.ca())], "").await;
    for (output, name) in [
        (of_variable, format!("{ca} (SSL_CERT_FILE)")),
        (of_flag, ca.to_owned()),
    ] {
        assert_eq!(output.code, 9, "{}", output.stderr);
        let told = format!("; trusted is only the CA file {name}\n  hint: ");
        assert!(
            output.stderr.contains("invalid peer certificate: "),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(&told), "{}", output.stderr);
    }
    // The bridge too; it is told before it listens.
    let words = [
        "bridge",
        "--gateway",
        "https://gate.example",
        "--listen",
        "127.0.0.1:0",
    ];
    let mut command = program(&words);
    let output = command
        .env("SSL_CERT_FILE", "/no/such/file")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("postern: the CA file /no/such/file (SSL_CERT_FILE): No such file"),
        "{stderr}"
    );
}
