//! Answers that would act in a browser, and what must become of them.

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Minted, RELEASE};
use postern_system_tests::scripted::Scripted;

pub const READ: &str = "/v1/attestations/sha256:0?project=shop";

pub const OK: &str = "0";

/// Headers that make a browser act, or the client take the origin for the gate.
pub const HOSTILE: [(&str, &str); 24] = [
    ("Access-Control-Allow-Origin", "https://evil.example"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Alt-Svc", "h3=\"evil.example:443\""),
    ("Clear-Site-Data", "\"*\""),
    (
        "Content-Security-Policy",
        "sandbox allow-scripts allow-same-origin",
    ),
    (
        "Content-Security-Policy-Report-Only",
        "default-src 'none'; report-to e",
    ),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Link", "</evil.js>; rel=preload"),
    ("NEL", "{\"report_to\":\"e\",\"max_age\":1}"),
    ("Origin-Trial", "x"),
    ("Postern-Assertion", "0"),
    ("Refresh", "0; url=https://evil.example"),
    (
        "Report-To",
        "{\"group\":\"e\",\"max_age\":1,\"endpoints\":[{\"url\":\"https://evil.example\"}]}",
    ),
    ("Reporting-Endpoints", "e=\"https://evil.example\""),
    ("Service-Worker-Allowed", "/"),
    ("Set-Cookie", "session=evil; Path=/"),
    ("set-cookie", "second=evil"),
    ("SourceMap", "/evil.map"),
    ("Strict-Transport-Security", "max-age=1"),
    ("Timing-Allow-Origin", "*"),
    ("WWW-Authenticate", "Basic realm=\"gate\""),
    ("X-Content-Type-Options", "sniff"),
    ("X-Request-Id", "evil"),
    ("X-SourceMap", "/evil.map"),
];

pub struct Browsing {
    pub keys: Keys,
    pub origin: Scripted,
    pub sessions: Scripted,
    pub gateway: Gateway,
    pub token: Minted,
}

impl Browsing {
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.gateway
            .call(method, path)
            .bearer(&self.token.token)
            .header("attestation-workflow", RELEASE)
            .from("10.9.8.7")
    }

    /// Answers so from now on, with every hostile header and some that must pass.
    pub fn answer(&self, status: &str, media: Option<&str>, body: &[u8], more: &[(&str, &str)]) {
        let mut headers = HOSTILE.to_vec();
        headers.extend([
            ("ETag", "\"e\""),
            ("X-Kept", "1"),
            ("Cache-Control", "no-cache"),
        ]);
        headers.extend(media.map(|media| ("Content-Type", media)));
        headers.extend(more);
        self.origin.answer(status, &headers, body);
    }
}
