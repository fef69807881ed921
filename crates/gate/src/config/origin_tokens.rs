//! Whether the origin's own tokens are made and ended through the gateway (`ORIGIN_TOKENS`, R43).

use super::Config;
use postern_domain::rpc::{self, Rpc};

/// Reads the variable. What the origin makes is registered by its signature, so keys for it are
/// needed.
pub fn read(
    text: impl Fn(&str) -> Option<String>,
    has_adopt_keys: bool,
    problems: &mut Vec<String>,
) -> bool {
    match text("ORIGIN_TOKENS").as_deref() {
        None | Some("deny") => false,
        Some("govern") => {
            if !has_adopt_keys {
                problems.push(
                    "ORIGIN_TOKENS `govern` needs ADOPT_KEYS: without the origin's key no token of \
                     its own can be registered"
                        .into(),
                );
            }
            true
        }
        Some(_) => {
            problems.push("ORIGIN_TOKENS must be `deny` or `govern`".into());
            false
        }
    }
}

impl Config {
    /// The row of a path in the table of calls, as this deployment serves it.
    pub fn rpc(&self, path: &str) -> Option<&'static Rpc> {
        let row = rpc::rpc(path)?;
        Some(match self.governs_origin_tokens {
            true => rpc::governed(row),
            false => row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::rpc::Access;

    #[test]
    fn r43_to_govern_takes_the_origins_keys() {
        let needs = "ORIGIN_TOKENS `govern` needs ADOPT_KEYS: without the origin's key no token of its \
                     own can be registered";
        let wrong = "ORIGIN_TOKENS must be `deny` or `govern`";
        let rows = [
            (None, true, false, None),
            (Some("deny"), true, false, None),
            (Some("deny"), false, false, None),
            (Some("govern"), true, true, None),
            (Some("govern"), false, true, Some(needs)),
            (Some("allow"), true, false, Some(wrong)),
            (Some("Govern"), true, false, Some(wrong)),
        ];
        for (set, has_keys, governs, problem) in rows {
            let mut problems = Vec::new();
            let text = |name: &str| set.filter(|_| name == "ORIGIN_TOKENS").map(str::to_owned);
            assert_eq!(read(text, has_keys, &mut problems), governs, "{set:?}");
            assert_eq!(problems.first().map(String::as_str), problem, "{set:?}");
        }
    }

    #[test]
    fn r43_the_three_calls_are_closed_unless_they_are_governed() {
        for (governs, access) in [(false, Access::Closed), (true, Access::Token)] {
            let config = Config {
                governs_origin_tokens: governs,
                ..crate::testing::config()
            };
            for call in ["Create", "List", "Revoke"] {
                let row = config.rpc(&format!("/controlplane.v1.APITokenService/{call}"));
                assert_eq!(row.map(|row| row.access), Some(access), "{call}");
            }
            let other = config.rpc("/controlplane.v1.UserService/DeleteMembership");
            assert_eq!(other.map(|row| row.access), Some(Access::Person));
            assert_eq!(config.rpc("/controlplane.v1.APITokenService/Update"), None);
        }
    }
}
