//! A person as the control plane's session endpoint describes one: an id, and a role in each of
//! some organizations.

/// Longest user id, in characters.
pub const MAX_USER_ID: usize = 128;

/// A person's id at the control plane. It is written into audit rows, so it is printable ASCII
/// without blanks and of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId(String);

impl UserId {
    /// Reads an id; `None` for what could not stand in an audit row.
    pub fn parse(text: &str) -> Option<Self> {
        ((1..=MAX_USER_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person with all memberships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub user: UserId,
    /// The organizations, each with a role.
    pub memberships: Vec<Membership>,
}

/// A role in an organization, both by the control plane's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name of the organization.
    pub organization: String,
    /// The role, as the endpoint names it.
    pub role: String,
}

/// Why no membership could be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMembership {
    /// None named, and not exactly one to choose from.
    Unnamed,
    /// The person is no member of the organization that is named.
    NotAMember,
}

impl Person {
    /// The membership that a call is about: in the named organization, or the only one.
    ///
    /// # Errors
    /// See [`NoMembership`].
    pub fn membership(&self, named: Option<&str>) -> Result<&Membership, NoMembership> {
        let named = named.map(str::trim).filter(|name| !name.is_empty());
        match (named, self.memberships.as_slice()) {
            (Some(name), all) => all
                .iter()
                .find(|one| one.organization == name)
                .ok_or(NoMembership::NotAMember),
            (None, [only]) => Ok(only),
            (None, []) => Err(NoMembership::NotAMember),
            (None, _) => Err(NoMembership::Unnamed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r21_user_ids_fit_into_an_audit_row() {
        let longest = "u".repeat(MAX_USER_ID);
        for good in ["u", "a0b1-uuid", "kim@example.com", &longest] {
            assert_eq!(UserId::parse(good).expect("an id").as_str(), good);
        }
        let too_long = "u".repeat(MAX_USER_ID + 1);
        for bad in ["", " ", "a b", "a\n", "é", "a\u{7f}", &too_long] {
            assert_eq!(UserId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn r23_the_membership_is_the_named_one_or_the_only_one() {
        let member = |organization: &str| Membership {
            organization: organization.to_owned(),
            role: "viewer".to_owned(),
        };
        let person = |names: &[&str]| Person {
            user: UserId::parse("u").expect("an id"),
            memberships: names.iter().map(|name| member(name)).collect(),
        };
        type Row<'a> = (
            &'a [&'a str],
            Option<&'a str>,
            Result<&'a str, NoMembership>,
        );
        let rows: [Row<'_>; 9] = [
            (&["acme"], None, Ok("acme")),
            (&["acme"], Some(""), Ok("acme")),
            (&["acme"], Some(" acme "), Ok("acme")),
            (&["acme"], Some("other"), Err(NoMembership::NotAMember)),
            (&["acme"], Some("Acme"), Err(NoMembership::NotAMember)),
            (&["acme", "other"], Some("other"), Ok("other")),
            (&["acme", "other"], None, Err(NoMembership::Unnamed)),
            (&[], None, Err(NoMembership::NotAMember)),
            (&[], Some("acme"), Err(NoMembership::NotAMember)),
        ];
        for (names, named, expected) in rows {
            let person = person(names);
            let chosen = person
                .membership(named)
                .map(|one| one.organization.as_str());
            assert_eq!(chosen, expected, "{names:?} {named:?}");
        }
    }
}
