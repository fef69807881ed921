//! Names of headers against the rules, in every spelling that a server could read as the same name.

use super::*;

const WAY: Way<'_> = Way {
    trusted_ip_header: "x-edge-ip",
    open: false,
};

/// What proxies, platforms and identity providers are known to set, and servers behind them to
/// believe.
const KNOWN: [&str; 149] = [
    // The connection and the way (RFC 9110, 7239), httpoxy.
    "connection",
    "expect",
    "forwarded",
    "keep-alive",
    "proxy",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-by",
    "x-original-forwarded-for",
    "x-real-ip",
    "x-real-port",
    "front-end-https",
    "x-scheme",
    "x-url-scheme",
    "x-proxyuser-ip",
    "wl-proxy-client-ip",
    // Addresses from platforms.
    "ali-cdn-real-ip",
    "cdn-loop",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-ipcountry",
    "cf-ray",
    "cf-worker",
    "cloudfront-viewer-address",
    "fastly-client-ip",
    "fly-client-ip",
    "incap-client-ip",
    "true-client-ip",
    "x-appengine-user-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-coming-from",
    "x-envoy-external-address",
    "x-nf-client-connection-ip",
    "x-vercel-forwarded-for",
    // Another method, host or path.
    "x-accel-mapping",
    "x-forwarded-uri",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-middleware-subrequest",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-replaced-path",
    "x-rewrite-url",
    "x-sendfile-type",
    // Certificates (RFC 9440, nginx, HAProxy, Envoy, Traefik, IIS).
    "client-cert",
    "client-cert-chain",
    "ssl-client-cert",
    "ssl-client-s-dn",
    "ssl-client-verify",
    "x-arr-clientcert",
    "x-client-cert",
    "x-client-dn",
    "x-client-verify",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-ssl-client-cn",
    "x-tls-client-cert",
    // Identities: oauth2-proxy, IAP, ALB, App Service, Pomerium, Authelia, Tailscale, Access, Kong,
    // API Gateway, Grafana, Kubernetes, mod_auth_openidc, SiteMinder, WebSEAL, Shibboleth, Envoy.
    "cf-access-authenticated-user-email",
    "cf-access-jwt-assertion",
    "gap-auth",
    "impersonate-user",
    "iv-user",
    "oidc-claim-sub",
    "remote-email",
    "remote-groups",
    "remote-user",
    "shib-session-id",
    "sm-user",
    "tailscale-user-login",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "x-apigateway-api-userinfo",
    "x-auth-request-email",
    "x-auth-request-user",
    "x-auth-user",
    "x-authenticated-userid",
    "x-authentik-username",
    "x-consumer-username",
    "x-credential-identifier",
    "x-email",
    "x-endpoint-api-userinfo",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-user",
    "x-goog-authenticated-user-email",
    "x-goog-iap-jwt-assertion",
    "x-id-token",
    "x-jwt-payload",
    "x-ms-client-principal",
    "x-ms-token-aad-access-token",
    "x-pomerium-jwt-assertion",
    "x-remote-group",
    "x-remote-user",
    "x-user-id",
    // The same kinds in other words.
    "client-ip",
    "x-originating-ip",
    "x-source-ip",
    "source-ip",
    "x-trusted-ip",
    "x-custom-ip-authorization",
    "x-cf-connecting-ip",
    "x-fd-clientip",
    "x-sucuri-clientip",
    "z-forwarded-for",
    "x-bluecoat-via",
    "x-akamai-config",
    "tls-client-cert",
    "mtls-cert",
    "x-mtls-cert",
    "x-peer-cert",
    "ssl-client",
    "x-spiffe-id",
    "l5d-client-id",
    "x-impersonate",
    "x-on-behalf-of",
    "on-behalf-of",
    "x-run-as",
    "x-sudo",
    "x-login",
    "x-sso-sub",
    "x-saml-nameid",
    "x-cn",
    "x-is-admin",
    "x-anonymous-consumer",
    "x-serverless-authorization",
    "x-script-name",
];

/// And the rest of the rules' own: gRPC over JSON, cookies, the gate.
const OTHERS: [&str; 12] = [
    "cookie",
    "cookie2",
    "grpc-metadata-authorization",
    "grpcgateway-authorization",
    "postern-assertion",
    "postern-organization",
    "x-postern-anything",
    "x-request-id",
    "x-webauth-user",
    "x-vouch-user",
    "x-scope-orgid",
    "x-next-proxys-own-username",
];

fn mixed(name: &str) -> String {
    let letters = name.chars().enumerate();
    letters
        .map(|(at, letter)| match at % 2 {
            0 => letter.to_ascii_uppercase(),
            _ => letter,
        })
        .collect()
}

#[test]
fn r55_what_others_set_never_passes_in_any_spelling() {
    for name in KNOWN.iter().chain(&OTHERS).chain(&HOP_BY_HOP) {
        for spelling in [
            (*name).to_owned(),
            name.to_ascii_uppercase(),
            mixed(name),
            name.replace('-', "_"),
            name.replace('-', "_").to_ascii_uppercase(),
        ] {
            assert!(stays_behind(&spelling, WAY), "{spelling}");
        }
        if name.contains('-') {
            for other in ['_', '.', '!', '~', '\'', '*'] {
                let spelling = name.replace('-', &other.to_string());
                assert!(is_kept_away(&spelling), "{spelling}");
            }
        }
    }
}

#[test]
fn r55_what_an_origin_needs_passes() {
    for name in [
        "accept",
        "accept-encoding",
        "accept-language",
        "attestation-workflow",
        "authorization",
        "baggage",
        "chainloop-cli-version",
        "chainloop-organization",
        "content-encoding",
        "content-type",
        "digest",
        "grpc-accept-encoding",
        "grpc-encoding",
        "grpc-timeout",
        "grpc-trace-bin",
        "idempotency-key",
        "if-none-match",
        "range",
        "sentry-trace",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-b3-traceid",
        "x-custom-bin",
        "x-grpc-web",
        "x-user-agent",
    ] {
        for spelling in [name.to_owned(), name.to_ascii_uppercase(), mixed(name)] {
            assert!(!stays_behind(&spelling, WAY), "{spelling}");
        }
    }
}

#[test]
fn r28_the_trusted_header_and_the_length_stay_behind() {
    for name in ["x-edge-ip", "X-Edge-IP", "content-length", "Content-Length"] {
        assert!(stays_behind(name, WAY), "{name}");
    }
}

#[test]
fn no_credential_goes_on_where_none_is_needed() {
    let open = Way { open: true, ..WAY };
    for name in ["authorization", "AUTHORIZATION", "cookie"] {
        assert!(stays_behind(name, open), "{name}");
    }
    assert!(!stays_behind("content-type", open));
}

#[test]
fn the_rules_are_lower_case_sorted_and_needed() {
    for list in [&HOP_BY_HOP[..], &BEGINNINGS, &WORDS, &PASSING] {
        assert!(list.is_sorted());
        for name in list {
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
    for beginning in BEGINNINGS {
        let within = |other: &&str| *other != beginning && beginning.starts_with(*other);
        assert!(!BEGINNINGS.iter().any(within), "{beginning}");
    }
}

#[test]
fn a_connection_header_cannot_remove_the_credential() {
    let names: Vec<_> = nominated("close, X-Foo, Authorization, b\u{e9}, ,").collect();
    assert_eq!(names, ["close", "x-foo"]);
}

#[test]
fn other_methods_by_their_parameters() {
    for name in [
        "_method",
        "_METHOD",
        " _method",
        ".method",
        "_method[]",
        "_method[x]",
        "x-http-method",
        "X-HTTP-Method-Override",
        "x_http_method_override",
        "X_Method_Override",
    ] {
        assert!(is_method_override(name), "{name}");
    }
    for name in [
        "method",
        "payment_method",
        "_methods",
        "http_method",
        "",
        "[_method]",
    ] {
        assert!(!is_method_override(name), "{name}");
    }
}

#[test]
fn names_are_in_the_order_in_which_they_are_looked_up() {
    let is_before = |pair: &[&str]| pair[0] < pair[1] && !pair[1].starts_with(pair[0]);
    assert!(BEGINNINGS.windows(2).all(is_before));
    assert!(WORDS.is_sorted());
}
