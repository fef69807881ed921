//! HEAD and OPTIONS (RFC 9110, section 9.3). No route names them: HEAD is a GET without its
//! content, and OPTIONS gets the methods that a route has.

/// The method that a request is decided on and goes on with.
pub fn effective(method: &str) -> &str {
    match method {
        "HEAD" => "GET",
        other => other,
    }
}

/// `Allow` for a route with these methods, separated by `, `: HEAD beside GET, OPTIONS always.
pub fn allow(methods: &str) -> String {
    let mut all: Vec<&str> = methods.split(", ").collect();
    if all.contains(&"GET") {
        all.push("HEAD");
    }
    all.push("OPTIONS");
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_a_get_and_nothing_else_is_another() {
        assert_eq!(effective("HEAD"), "GET");
        for method in ["GET", "POST", "OPTIONS", "head", "get", ""] {
            assert_eq!(effective(method), method);
        }
    }

    #[test]
    fn allow_names_what_is_answered() {
        for (methods, told) in [
            ("GET", "GET, HEAD, OPTIONS"),
            ("GET, HEAD", "GET, HEAD, OPTIONS"),
            ("POST", "OPTIONS, POST"),
            ("GET, DELETE", "DELETE, GET, HEAD, OPTIONS"),
            ("PATCH", "OPTIONS, PATCH"),
        ] {
            assert_eq!(allow(methods), told);
        }
    }
}
