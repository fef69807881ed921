//! What calls have come to.

use postern_domain::id::Id;

use super::super::{Message, answer, command};
use crate::testing::at;
use crate::{
    ActivityCommand, ActivityRecord, CallerActivity, DayActivity, NamedToken, ReadActivityCommand,
    RefusedCall, TokenActivity,
};

pub fn all() -> Vec<Message> {
    let token = Id::from_u128(7);
    let refused = || RefusedCall {
        at: at(1_000),
        operation: Some("AttestationService/Init".to_owned()),
        reason: "not_confined".to_owned(),
        token,
        address: Some("192.0.2.1".to_owned()),
        request_id: "r".to_owned(),
        user_agent: Some("curl/8".to_owned()),
    };
    let caller = || CallerActivity {
        address: Some("192.0.2.1".to_owned()),
        user_agent: None,
        last_at: at(1_000),
        calls: 3,
    };
    let codes = || vec![("not_confined".to_owned(), 4)];
    let told = TokenActivity {
        token,
        allowed: 3,
        used_at: Some(at(1_000)),
        origin_trouble: 1,
        refused: codes(),
        callers: vec![caller()],
    };
    let none = TokenActivity {
        token,
        allowed: 0,
        used_at: None,
        origin_trouble: 0,
        refused: Vec::new(),
        callers: Vec::new(),
    };
    let reporter = Id::from_u128(3);
    vec![
        command(&ActivityCommand {
            reporter,
            batch: 12,
            tokens: vec![told, none],
            refused: vec![refused()],
            offline: 0,
        }),
        command(&ActivityCommand {
            reporter,
            batch: 13,
            tokens: Vec::new(),
            refused: Vec::new(),
            offline: 5,
        }),
        answer::<ActivityCommand>(&()),
        command(&ReadActivityCommand {
            token: Some(token),
            days: 30,
            hides_system: false,
        }),
        command(&ReadActivityCommand {
            token: None,
            days: 2,
            hides_system: false,
        }),
        command(&ReadActivityCommand {
            token: None,
            days: 3,
            hides_system: true,
        }),
        answer::<ReadActivityCommand>(&Some(ActivityRecord {
            days: vec![
                DayActivity {
                    day: 20_000,
                    allowed: 3,
                    origin_trouble: 1,
                    refused: codes(),
                    offline: 0,
                },
                DayActivity {
                    offline: 5,
                    ..DayActivity::default()
                },
            ],
            recent: vec![refused()],
            most_refused: vec![(token, 4)],
            callers: vec![caller()],
            tokens: vec![NamedToken {
                id: token,
                name: "ci".to_owned(),
                prefix: "pst_00000000".to_owned(),
            }],
        })),
        answer::<ReadActivityCommand>(&None),
    ]
}
