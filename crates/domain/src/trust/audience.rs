//! For whom a job token was made, and which organization that means. INVARIANT (nobody attracts a job): a
//! rule is a wish of the organization that wrote it, and anybody can write one about a repository of
//! somebody else. So whoever presents the token names the organization, by the token's audience or in the
//! request, or the deployment's configuration does; the rules of no other organization are looked at.

use core::fmt;

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
    /// counts only as a bearer, and only where the deployment allows it. The request or the configuration
    /// must name the organization.
    ControlPlane,
}

/// The audiences that a deployment takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audiences {
    urls: Vec<String>,
    control_plane: bool,
}

/// Why URLs are no audiences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudiencesError {
    /// One is empty, or too long.
    Length,
    /// One has a slash at its end.
    Slash,
    /// One is below another, which would call it an organization.
    Below,
}

impl fmt::Display for AudiencesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "has a URL that is empty, or has {MAX_AUDIENCE} bytes or more"),
            Self::Slash => f.write_str("has a URL with a slash at its end"),
            Self::Below => f.write_str(
                "has a URL below another one: a token for the one could be for an organization of the other",
            ),
        }
    }
}

impl Audiences {
    /// Those of a gateway with these URLs, and whether tokens for `chainloop` are taken. No audience can be
    /// read in two ways.
    ///
    /// # Errors
    /// [`AudiencesError`].
    pub fn new(
        urls: impl IntoIterator<Item = String>,
        control_plane: bool,
    ) -> Result<Self, AudiencesError> {
        let urls: Vec<String> = urls.into_iter().collect();
        if urls
            .iter()
            .any(|url| url.is_empty() || url.len() >= MAX_AUDIENCE)
        {
            return Err(AudiencesError::Length);
        }
        if urls.iter().any(|url| url.ends_with('/')) {
            return Err(AudiencesError::Slash);
        }
        let below = |url: &String, other: &String| {
            url.strip_prefix(other.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if urls
            .iter()
            .any(|url| urls.iter().any(|other| below(url, other)))
        {
            return Err(AudiencesError::Below);
        }
        Ok(Self {
            urls,
            control_plane,
        })
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

/// How a job token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// For a token in its place.
    Exchange,
    /// With a call, as the credential.
    Bearer,
}

/// Why a job has no organization: its rules are not looked at, and nothing is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoOrganization {
    /// Nobody names one.
    Unnamed,
    /// The request names another one than the token, or than the one that the deployment takes tokens for
    /// control planes for.
    Other,
    /// A token for control planes is no more than a bearer.
    BearerOnly,
}

impl fmt::Display for NoOrganization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unnamed => "neither the token nor the request names an organization",
            Self::Other => "the request names another organization",
            Self::BearerOnly => "a token for `chainloop` is not exchanged",
        })
    }
}

impl Audience {
    /// The organization whose rules are looked at, and no other's: by what the token says, by the one that
    /// the request names, and by the one that the deployment's configuration has `fixed` for tokens that are
    /// for control planes.
    ///
    /// # Errors
    /// [`NoOrganization`]. Where two of them name one, it must be the same.
    pub fn organization(
        self,
        named: Option<Label>,
        way: Way,
        fixed: Option<Label>,
    ) -> Result<Label, NoOrganization> {
        let (known, named) = match (self, way) {
            (Self::Organization(signed), _) => (Some(signed), named),
            (Self::Gateway, _) => (None, named),
            (Self::ControlPlane, Way::Exchange) => return Err(NoOrganization::BearerOnly),
            (Self::ControlPlane, Way::Bearer) => (fixed, named),
        };
        match (known, named) {
            (Some(known), Some(named)) if known != named => Err(NoOrganization::Other),
            (Some(one), _) | (None, Some(one)) => Ok(one),
            (None, None) => Err(NoOrganization::Unnamed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_names_gateway_and_organization() {
        let label = |name: &str| Label::parse(name).expect("a name");
        let both = Audiences::new(
            ["https://gate.example", "https://other.example/attest"].map(str::to_owned),
            true,
        )
        .expect("audiences");
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
            ("https://gate.example/attest/acme", None),
            ("https://other.example/attest", Some(Audience::Gateway)),
            (
                "https://other.example/attest/acme",
                Some(Audience::Organization(label("acme"))),
            ),
            ("https://other.example", None),
            ("https://other.example/acme", None),
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
        let strict = Audiences::new(["https://gate.example".to_owned()], false);
        assert_eq!(strict.expect("audiences").read("chainloop"), None);
    }

    #[test]
    fn no_audience_can_be_read_in_two_ways() {
        let long = format!("https://{}", "a".repeat(MAX_AUDIENCE));
        let rows: [(&[&str], Option<AudiencesError>); 10] = [
            (&[], None),
            (&["https://gate.example", "https://gate.example"], None),
            (&["https://gate.example", "https://gate.example2"], None),
            (&["https://gate.example/a", "https://gate.example/ab"], None),
            (&[""], Some(AudiencesError::Length)),
            (&[&long], Some(AudiencesError::Length)),
            (&["https://gate.example/"], Some(AudiencesError::Slash)),
            // The organization `attest`, or the gateway there?
            (
                &["https://gate.example", "https://gate.example/attest"],
                Some(AudiencesError::Below),
            ),
            (
                &["https://gate.example/attest", "https://gate.example"],
                Some(AudiencesError::Below),
            ),
            (
                &["https://gate.example", "https://gate.example/a/b"],
                Some(AudiencesError::Below),
            ),
        ];
        for (urls, error) in rows {
            let made = Audiences::new(urls.iter().map(|url| (*url).to_owned()), false);
            assert_eq!(made.err(), error, "{urls:?}");
        }
    }

    #[test]
    fn the_organization_is_named_and_never_found_by_rules() {
        let label = |name: &str| Label::parse(name).expect("a name");
        let signed = || Audience::Organization(label("acme"));
        let (acme, evil) = (Some("acme"), Some("evil"));
        let (gateway, control) = (|| Audience::Gateway, || Audience::ControlPlane);
        let other = Err(NoOrganization::Other);
        let unnamed = Err(NoOrganization::Unnamed);
        let bearer_only = Err(NoOrganization::BearerOnly);
        // What the token says; the request; the configuration; an exchange, and a bearer.
        let rows = [
            (signed(), None, None, Ok("acme"), Ok("acme")),
            (signed(), acme, None, Ok("acme"), Ok("acme")),
            (signed(), evil, None, other, other),
            // What is fixed is about tokens for control planes, and no others.
            (signed(), None, evil, Ok("acme"), Ok("acme")),
            (gateway(), None, None, unnamed, unnamed),
            (gateway(), None, acme, unnamed, unnamed),
            (gateway(), acme, None, Ok("acme"), Ok("acme")),
            (gateway(), acme, evil, Ok("acme"), Ok("acme")),
            // Whoever writes a rule about somebody else's repository waits for this one.
            (control(), None, None, bearer_only, unnamed),
            (control(), acme, None, bearer_only, Ok("acme")),
            (control(), None, acme, bearer_only, Ok("acme")),
            (control(), acme, acme, bearer_only, Ok("acme")),
            (control(), evil, acme, bearer_only, other),
        ];
        for (audience, named, fixed, exchange, bearer) in rows {
            for (way, expected) in [(Way::Exchange, exchange), (Way::Bearer, bearer)] {
                let found = audience
                    .clone()
                    .organization(named.map(label), way, fixed.map(label));
                assert_eq!(
                    found,
                    expected.map(label),
                    "{audience:?} {named:?} {fixed:?} {way:?}"
                );
            }
        }
    }
}
