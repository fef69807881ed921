//! For whom a job token was made, and which organization that means. INVARIANT (nobody attracts a job): a
//! rule is a wish of the organization that wrote it, and anybody can write one about a repository of
//! somebody else. So the job names its organization, by the audience of its token or in the request; where
//! it does not, every rule of the deployment is looked at, and nothing is opened when rules of two
//! organizations are met.

use crate::id::OrganizationId;
use crate::name::Label;

/// Longest audience that is read, in bytes.
pub const MAX_AUDIENCE: usize = 512;
/// The audience that the control plane's own command line asks for.
const CONTROL_PLANE: &str = "chainloop";

/// For whom a job token was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// This gateway, and one organization: the gateway's URL, a slash, and the organization's name.
    Organization(Label),
    /// This gateway: its URL. The request must name the organization.
    Gateway,
    /// Control planes everywhere: `chainloop`. Whoever else gets such a token can present it here, so it
    /// counts only as a bearer, and only where the deployment allows it.
    ControlPlane,
}

/// The audiences that a deployment takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audiences {
    urls: Vec<String>,
    control_plane: bool,
}

impl Audiences {
    /// Those of a gateway with these URLs, each without a slash at its end, and whether tokens for
    /// `chainloop` are taken.
    pub fn new(urls: impl IntoIterator<Item = String>, control_plane: bool) -> Self {
        let short = |url: &String| !url.is_empty() && url.len() < MAX_AUDIENCE;
        Self {
            urls: urls.into_iter().filter(short).collect(),
            control_plane,
        }
    }

    /// What an audience means here; `None` where it means nobody of us. It is compared byte by byte: a
    /// slash at the end makes it another one.
    pub fn read(&self, audience: &str) -> Option<Audience> {
        if audience.len() > MAX_AUDIENCE {
            return None;
        }
        if audience == CONTROL_PLANE {
            return self.control_plane.then_some(Audience::ControlPlane);
        }
        self.urls.iter().find_map(|url| {
            let rest = audience.strip_prefix(url.as_str())?;
            match rest.strip_prefix('/') {
                None => rest.is_empty().then_some(Audience::Gateway),
                Some(name) => Label::parse(name).ok().map(Audience::Organization),
            }
        })
    }
}

/// Why no organization was found for a job that names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoOrganization {
    /// No rule is met.
    NoRule,
    /// Rules of more than one are met: none of them gets the job.
    Several,
}

/// The organization of a job that names none, by the organizations whose rules it meets.
///
/// # Errors
/// [`NoOrganization`].
pub fn one_organization(
    met: impl IntoIterator<Item = OrganizationId>,
) -> Result<OrganizationId, NoOrganization> {
    let mut met = met.into_iter();
    let first = met.next().ok_or(NoOrganization::NoRule)?;
    if met.all(|other| other == first) {
        Ok(first)
    } else {
        Err(NoOrganization::Several)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn an_audience_names_gateway_and_organization() {
        let label = |name: &str| Label::parse(name).expect("a name");
        let both = Audiences::new(
            ["https://gate.example", "https://gate.example/attest"].map(str::to_owned),
            true,
        );
        let rows = [
            ("https://gate.example", Some(Audience::Gateway)),
            (
                "https://gate.example/attest",
                Some(Audience::Organization(label("attest"))),
            ),
            (
                "https://gate.example/acme",
                Some(Audience::Organization(label("acme"))),
            ),
            (
                "https://gate.example/attest/acme",
                Some(Audience::Organization(label("acme"))),
            ),
            ("chainloop", Some(Audience::ControlPlane)),
            ("Chainloop", None),
            ("api-token-auth.chainloop", None),
            ("https://gate.example/", None),
            ("https://gate.example/acme/", None),
            ("https://gate.example//acme", None),
            ("https://gate.example/ACME", None),
            ("https://gate.example/acme?x", None),
            ("https://gate.example.evil.example/acme", None),
            ("https://gate.exampl", None),
            ("http://gate.example/acme", None),
            ("HTTPS://gate.example/acme", None),
            (" https://gate.example/acme", None),
            ("", None),
        ];
        for (audience, expected) in rows {
            assert_eq!(both.read(audience), expected, "{audience}");
        }
        let strict = Audiences::new(["https://gate.example".to_owned(), String::new()], false);
        assert_eq!(strict.read("chainloop"), None);
        assert_eq!(strict.read(""), None);
        assert_eq!(strict.read("/acme"), None);
    }

    #[test]
    fn a_rule_of_a_stranger_attracts_nothing() {
        let [ours, theirs] = [1, 2].map(Id::from_u128);
        assert_eq!(one_organization([ours]), Ok(ours));
        assert_eq!(one_organization([ours, ours]), Ok(ours));
        assert_eq!(
            one_organization([ours, theirs]),
            Err(NoOrganization::Several)
        );
        assert_eq!(
            one_organization([ours, ours, theirs]),
            Err(NoOrganization::Several)
        );
        assert_eq!(one_organization([]), Err(NoOrganization::NoRule));
    }
}
