//! Edits as rows, and that no chain of them widens (R53).

use proptest::prelude::*;

use super::*;
use crate::id::Id;
use crate::scope::{Named, Scope};
use crate::token::Verifier;

const POLICIES: [&str; 4] = [
    "workflow:*",
    "workflow:read",
    "project_api_token:create",
    "project_api_token:*",
];

fn policies(texts: &[&str]) -> Vec<Policy> {
    let texts = texts.iter().filter_map(|text| Policy::parse(text).ok());
    texts.collect()
}

fn ranges(texts: &[&str]) -> Vec<AddressRange> {
    let texts = texts.iter();
    texts
        .filter_map(|text| AddressRange::parse(text).ok())
        .collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn token(held: &[&str], end: Option<i64>, (from, calls): (&[&str], Option<u32>)) -> TokenFacts {
    TokenFacts {
        id: Id::from_u128(1),
        name: TokenName::generated(&Id::from_u128(1)),
        organization: Named {
            id: Id::from_u128(2),
            name: "acme".to_owned(),
        },
        scope: Scope::Organization,
        verifier: Verifier::Jwt { signed: None },
        policies: policies(held),
        is_system: false,
        expires_at: end.map(at),
        ci_job: None,
        conditions: Conditions::new(ranges(from), calls)
            .expect("good")
            .map(Box::new),
        revision: 4,
    }
}

#[test]
fn r53_an_edit_narrows_and_never_widens() {
    let from = |texts| TokenEdit {
        address_ranges: Some(ranges(texts)),
        ..TokenEdit::default()
    };
    let calls = |calls| TokenEdit {
        calls_per_minute: Some(calls),
        ..TokenEdit::default()
    };
    let held = |texts| TokenEdit {
        policies: Some(policies(texts)),
        ..TokenEdit::default()
    };
    let ends = |seconds| TokenEdit {
        expires_at: Some(at(seconds)),
        ..TokenEdit::default()
    };
    let open = token(&["workflow:*"], None, (&[], None));
    let tight = token(&["workflow:*"], Some(9), (&["10.0.0.0/8"], Some(60)));
    let rows = [
        (&open, TokenEdit::default(), Ok(false)),
        (&open, from(&["10.0.0.0/8"]), Ok(true)),
        (&open, calls(5), Ok(true)),
        (&open, ends(5), Ok(true)),
        (&open, held(&["workflow:read"]), Ok(true)),
        (&open, held(&[]), Ok(true)),
        (&open, held(&["workflow:*"]), Ok(false)),
        (&open, from(&[]), Ok(false)),
        (
            &open,
            held(&["project_api_token:create"]),
            Err(Widens::Policies),
        ),
        (&tight, from(&["10.1.0.0/16"]), Ok(true)),
        (&tight, from(&["10.0.0.0/8"]), Ok(false)),
        (&tight, from(&["11.0.0.0/8"]), Err(Widens::AddressRanges)),
        (
            &tight,
            from(&["10.1.0.0/16", "192.0.2.1"]),
            Err(Widens::AddressRanges),
        ),
        (&tight, from(&[]), Err(Widens::AddressRanges)),
        (&tight, calls(60), Ok(false)),
        (&tight, calls(59), Ok(true)),
        (&tight, calls(61), Err(Widens::CallsPerMinute)),
        (&tight, calls(0), Err(Widens::CallsPerMinute)),
        (&tight, ends(9), Ok(false)),
        (&tight, ends(8), Ok(true)),
        (&tight, ends(10), Err(Widens::Expiry)),
    ];
    for (facts, edit, expected) in rows {
        let edited = edit.of(facts);
        let changed = edited.as_ref().map(Option::is_some).map_err(|why| *why);
        assert_eq!(changed, expected, "{edit:?}");
        if let Ok(Some(edited)) = edited {
            assert_eq!(edited.revision, 5, "the next revision");
        }
    }
}

#[test]
fn r53_a_name_is_free() {
    let facts = token(&[], None, (&["10.0.0.0/8"], None));
    let name = TokenName::parse("deploy").expect("a name");
    let edit = TokenEdit {
        name: Some(name.clone()),
        ..TokenEdit::default()
    };
    let expected = TokenFacts {
        name,
        revision: 5,
        ..facts.clone()
    };
    assert_eq!(edit.of(&facts), Ok(Some(expected)));
}

#[test]
fn r53_of_two_accounts_each_limit_is_the_narrower() {
    let own = token(&["workflow:*"], Some(9), (&["10.0.0.0/8"], Some(60)));
    let with = |held: &[&str], end, from: (&[&str], Option<u32>), revision| TokenFacts {
        revision,
        ..token(held, end, from)
    };
    let tight: (&[&str], _) = (&["10.0.0.0/8"], Some(60));
    let rows: [(&str, TokenFacts, TokenFacts); 9] = [
        ("the same", own.clone(), own.clone()),
        (
            "one that nobody has edited",
            with(&[], Some(1), (&["192.0.2.1"], Some(1)), 0),
            own.clone(),
        ),
        (
            "an edit that came later",
            with(&["workflow:read"], Some(8), (&["10.1.0.0/16"], Some(9)), 5),
            with(&["workflow:read"], Some(8), (&["10.1.0.0/16"], Some(9)), 5),
        ),
        (
            "what it was before",
            with(&["workflow:*"], None, (&[], None), 3),
            own.clone(),
        ),
        (
            "wider, with a later number",
            with(&POLICIES, None, (&[], None), 7),
            with(&["workflow:*"], Some(9), tight, 8),
        ),
        (
            "another edit of the same number",
            with(&["workflow:*"], Some(8), (&["10.0.0.0/8"], None), 4),
            with(&["workflow:*"], Some(8), tight, 5),
        ),
        (
            "ranges that overlap",
            with(
                &["workflow:*"],
                Some(9),
                (&["10.1.0.0/16", "192.0.2.1"], Some(70)),
                5,
            ),
            with(&["workflow:*"], Some(9), (&["10.1.0.0/16"], Some(60)), 6),
        ),
        (
            "ranges that have nothing in common",
            with(&["workflow:*"], Some(9), (&["192.0.2.1"], Some(5)), 5),
            with(&["workflow:*"], Some(9), (&["10.0.0.0/8"], Some(5)), 6),
        ),
        (
            "policies of which each has some",
            with(&["workflow:read", "project_api_token:*"], Some(9), tight, 5),
            with(&["workflow:read"], Some(9), tight, 6),
        ),
    ];
    for (case, other, expected) in rows {
        assert_eq!(narrower(&own, &other), expected, "{case}");
    }
    // Names are the later revision's.
    let name = TokenName::parse("deploy").expect("a name");
    for (revision, is_later) in [(3, false), (5, true)] {
        let other = TokenFacts {
            name: name.clone(),
            revision,
            ..own.clone()
        };
        assert_eq!(narrower(&own, &other).name == name, is_later, "{revision}");
    }
}

fn any_edit() -> impl Strategy<Value = TokenEdit> {
    let net = prop::sample::subsequence(
        vec![
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.0/24",
            "192.0.2.0/24",
            "2001:db8::/32",
        ],
        0..=3,
    );
    let held = prop::sample::subsequence(POLICIES.to_vec(), 0..=4);
    (
        prop::option::of(1..50i64),
        prop::option::of(held),
        prop::option::of(net),
        prop::option::of(1..50u32),
    )
        .prop_map(|(end, held, net, calls)| TokenEdit {
            name: None,
            expires_at: end.map(at),
            policies: held.map(|held| policies(&held)),
            address_ranges: net.map(|net| ranges(&net)),
            calls_per_minute: calls,
        })
}

proptest! {
    /// Through any chain of edits: no policy, no address, no call and no moment that the token did
    /// not have at first.
    #[test]
    fn r53_no_chain_of_edits_widens(chain in prop::collection::vec(any_edit(), 1..8)) {
        let first = token(&POLICIES, Some(40), (&["10.0.0.0/8", "2001:db8::/32"], Some(40)));
        let mut facts = first.clone();
        for edit in &chain {
            let Ok(Some(next)) = edit.of(&facts) else { continue };
            for before in [&first, &facts] {
                prop_assert!(within(next.conditions.as_deref(), before.conditions.as_deref()));
                prop_assert!(next.expires_at <= before.expires_at && next.expires_at.is_some());
                for policy in &next.policies {
                    prop_assert!(covers(&before.policies, policy.as_str()));
                }
            }
            prop_assert_eq!(next.revision, facts.revision + 1);
            // What is no limit stays.
            prop_assert_eq!((&next.scope, &next.verifier), (&facts.scope, &facts.verifier));
            facts = next;
        }
    }

    /// Two chains of edits of one token, as two Ledgers have carried them out: what is made of both allows no
    /// more than either, and no revision has two facts.
    #[test]
    fn r53_two_accounts_come_together_at_the_narrower(
        one in prop::collection::vec(any_edit(), 0..4),
        two in prop::collection::vec(any_edit(), 0..4),
    ) {
        let first = token(&POLICIES, Some(40), (&["10.0.0.0/8", "2001:db8::/32"], Some(40)));
        let after = |chain: &[TokenEdit]| chain.iter().fold(first.clone(), |facts, edit| {
            edit.of(&facts).ok().flatten().unwrap_or(facts)
        });
        let (own, other) = (after(&one), after(&two));
        let both = narrower(&own, &other);
        prop_assert!(within(both.conditions.as_deref(), own.conditions.as_deref()));
        let (ours, calls) = parts(&own);
        let (theirs, other_calls) = parts(&other);
        let common = |range: &AddressRange| theirs.iter().any(|theirs| {
            range.within(theirs) || theirs.within(range)
        });
        if ours.iter().any(common) {
            prop_assert!(within(both.conditions.as_deref(), other.conditions.as_deref()));
        }
        prop_assert_eq!(parts(&both).1, calls.min(other_calls));
        for known in [&own, &other] {
            prop_assert!(both.expires_at <= known.expires_at);
            prop_assert!(both.policies.iter().all(|policy| covers(&known.policies, policy.as_str())));
            prop_assert!(both.revision >= known.revision);
            prop_assert!(both.revision > known.revision || alike(&both, known));
        }
        for policy in POLICIES {
            let held = |facts: &TokenFacts| covers(&facts.policies, policy);
            prop_assert_eq!(held(&both), held(&own) && held(&other), "{}", policy);
        }
    }
}

fn parts(facts: &TokenFacts) -> (&[AddressRange], Option<u32>) {
    let conditions = facts.conditions.as_deref();
    let ranges = conditions.map_or(&[][..], Conditions::address_ranges);
    (ranges, conditions.and_then(Conditions::calls_per_minute))
}
