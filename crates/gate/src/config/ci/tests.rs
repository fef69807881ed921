//! The variables of job tokens as rows.

use super::*;
use postern_domain::trust::Issuer;

type Variables<'v> = [(&'v str, &'v str)];

fn read_ci(variables: &Variables<'_>) -> Result<Option<Ci>, Vec<String>> {
    let mut problems = Vec::new();
    let value = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let ci = read(value, &mut problems);
    match problems.is_empty() {
        true => Ok(ci),
        false => Err(problems),
    }
}

/// `github` and one URL, with a value more.
fn good_and(name: &str, value: &str) -> Result<Option<Ci>, Vec<String>> {
    let good = [
        ("CI_ISSUERS", "github"),
        ("CI_AUDIENCES", "https://gate.example"),
    ];
    read_ci(&[&[(name, value)], &good[..]].concat())
}

#[test]
fn job_tokens_are_off_unless_issuers_are_named() {
    assert_eq!(read_ci(&[]), Ok(None));
    assert_eq!(read_ci(&[("CI_CONTROL_PLANE_AUDIENCE", "off")]), Ok(None));
    let ci = read_ci(&[
        (
            "CI_ISSUERS",
            " github, gitlab=https://git.acme.example ,https://ci.example/oidc\n",
        ),
        (
            "CI_AUDIENCES",
            "https://gate.example, https://other.example/attest",
        ),
    ]);
    let ci = ci.expect("good").expect("on");
    let named: Vec<String> = ci.issuers.iter().map(ToString::to_string).collect();
    let expected = [
        "github",
        "gitlab=https://git.acme.example",
        "https://ci.example/oidc",
    ];
    assert_eq!(named, expected);
    assert_eq!(
        ci.urls,
        ["https://gate.example", "https://other.example/attest"]
    );
    assert!(ci.audiences.read("https://gate.example/acme").is_some());
    assert!(ci.audiences.read("https://third.example/acme").is_none());
    assert!(ci.audiences.read("chainloop").is_none());
    assert_eq!(
        (ci.control_plane.clone(), ci.fixed()),
        (ControlPlane::Refused, None)
    );
}

#[test]
fn one_without_the_other_is_a_problem() {
    let no_audiences = "CI_AUDIENCES is not set although CI_ISSUERS is: give the URL that the gateway \
                        is called by, such as `https://gate.example`";
    let no_issuers = "CI_ISSUERS is not set although CI_AUDIENCES is: give `github`, `gitlab` or the \
                      https URL of another issuer, or remove CI_AUDIENCES";
    let control = "CI_CONTROL_PLANE_AUDIENCE is set although CI_ISSUERS is not: set that too, or \
                   remove this one";
    let rows: [(&Variables<'_>, &[&str]); 4] = [
        (&[("CI_ISSUERS", "github")], &[no_audiences]),
        (&[("CI_AUDIENCES", "https://gate.example")], &[no_issuers]),
        (&[("CI_CONTROL_PLANE_AUDIENCE", "named")], &[control]),
        (
            &[
                ("CI_AUDIENCES", "https://gate.example"),
                ("CI_CONTROL_PLANE_AUDIENCE", "acme"),
            ],
            &[no_issuers, control],
        ),
    ];
    for (variables, problems) in rows {
        assert_eq!(read_ci(variables).expect_err("wrong"), problems);
    }
}

#[test]
fn the_control_planes_audience_is_taken_as_the_variable_says() {
    let of = |value| good_and("CI_CONTROL_PLANE_AUDIENCE", value);
    let acme = Label::parse("acme").expect("a name");
    let rows = [
        ("off", ControlPlane::Refused),
        ("named", ControlPlane::Named),
        (" acme\n", ControlPlane::Fixed(acme.clone())),
    ];
    for (value, expected) in rows {
        let ci = of(value).expect("good").expect("on");
        let takes = expected != ControlPlane::Refused;
        assert_eq!(ci.audiences.read("chainloop").is_some(), takes, "{value}");
        let fixed = matches!(expected, ControlPlane::Fixed(_)).then_some(&acme);
        assert_eq!(ci.fixed(), fixed, "{value}");
        assert_eq!(ci.control_plane, expected, "{value}");
    }
    for wrong in ["Acme", "on,off", "acme shop", "https://gate.example"] {
        let told = of(wrong).expect_err(wrong);
        let expected =
            "CI_CONTROL_PLANE_AUDIENCE must be `off`, `named`, or the name of one organization";
        assert_eq!(told, [expected], "{wrong}");
    }
}

#[test]
fn wrong_values_are_named_with_what_to_write() {
    let many = ["https://ci.example"; 17]
        .iter()
        .enumerate()
        .map(|(n, url)| format!("{url}/{n}"))
        .collect::<Vec<_>>()
        .join(",");
    let rows = [
        (
            "CI_ISSUERS",
            "github,",
            "CI_ISSUERS, entry 2 has no issuer: write `github`",
        ),
        (
            "CI_ISSUERS",
            "http://ci.example",
            "CI_ISSUERS is no URL that begins with `https://`",
        ),
        (
            "CI_ISSUERS",
            "bitbucket=https://x.example",
            "CI_ISSUERS begins with another word",
        ),
        (
            "CI_ISSUERS",
            "github, https://gitlab.com",
            "CI_ISSUERS, entry 2 is an issuer of GitHub or GitLab: write",
        ),
        (
            "CI_ISSUERS",
            "github,gitlab,github",
            "CI_ISSUERS has the same URL twice",
        ),
        ("CI_ISSUERS", &many, "CI_ISSUERS has more than 16 issuers"),
        (
            "CI_AUDIENCES",
            "gate.example",
            "CI_AUDIENCES must begin with https://",
        ),
        (
            "CI_AUDIENCES",
            "chainloop",
            "CI_AUDIENCES must begin with https://",
        ),
        (
            "CI_AUDIENCES",
            "http://gate.example",
            "CI_AUDIENCES must begin with https://",
        ),
        (
            "CI_AUDIENCES",
            "https://gate.example/",
            "CI_AUDIENCES must have no slash at its end",
        ),
        (
            "CI_AUDIENCES",
            "https://Gate.example",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https://gate.example:443",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "http://127.0.0.1:80",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https://u@gate.example",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https://gate.example/a?b",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https://gate.example//a",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https:///a",
            "CI_AUDIENCES must be scheme, host",
        ),
        (
            "CI_AUDIENCES",
            "https://a.example,,https://b.example",
            "CI_AUDIENCES, entry 2 must begin with https://",
        ),
        (
            "CI_AUDIENCES",
            "https://a.example,https://a.example",
            "CI_AUDIENCES, entry 2 is there twice",
        ),
        (
            "CI_AUDIENCES",
            "https://a.example/attest,https://a.example",
            "CI_AUDIENCES has a URL below another one",
        ),
        ("CI_AUDIENCES", &many, "CI_AUDIENCES has more than 16 URLs"),
    ];
    for (name, value, expected) in rows {
        let told = good_and(name, value).expect_err(value);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(expected), "{value}: {told:?}");
    }
    // Both are told.
    let both = read_ci(&[("CI_ISSUERS", "x=y"), ("CI_AUDIENCES", "x")]);
    assert_eq!(both.expect_err("wrong").len(), 2);
}

#[test]
fn this_machine_is_for_development() {
    let issuer = "CI_ISSUERS, entry 2 is on this machine although ENVIRONMENT is `production`: give an \
                  issuer that everybody can ask";
    let url = "CI_AUDIENCES leads to this machine although ENVIRONMENT is `production`: give the URL \
               that the gateway is called by";
    let within = |environment| {
        read_ci(&[
            (
                "CI_ISSUERS",
                "github,github=http://localhost:9191/_services/token",
            ),
            ("CI_AUDIENCES", "http://127.0.0.1:8787"),
            ("ENVIRONMENT", environment),
        ])
    };
    for environment in ["development", ""] {
        let ci = within(environment).expect("good").expect("on");
        assert!(ci.issuers.iter().any(Issuer::is_loopback));
        assert!(ci.audiences.read("http://127.0.0.1:8787/acme").is_some());
    }
    assert_eq!(within("production").expect_err("wrong"), [issuer, url]);
}
