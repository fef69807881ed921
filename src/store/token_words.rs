//! The words by which tokens are found: how a token's text is split, the same way as by the triggers of
//! migration 0012, how many tokens a word has, and the tokens from before that are yet to get theirs.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use postern_domain::id::OrganizationId;
use postern_registry::error::Result;

/// Matches of a word that are counted. With more, the list's own order finds a page sooner.
pub const COUNTED: u32 = 20_000;
/// Tokens that get their words in one statement, and statements in one run of the schedule.
const AT_A_TIME: (u32, usize) = (2_500, 12);

/// Every character of ASCII that is neither letter, digit nor control. The first ones end a text of JSON.
const SEPARATORS: [&str; 3] = ["\"\\!#$%&'", "()*+,-./:;<=", ">?@[]^_`{|}~"];

/// An expression with these characters as spaces.
fn spaced(inner: &str, separators: &str) -> String {
    let mut sql = format!("{}{inner}", "replace(".repeat(separators.len()));
    for separator in separators.chars() {
        let quoted = match separator {
            '\'' => "''".to_owned(),
            other => other.to_string(),
        };
        sql.push_str(&format!(", '{quoted}', ' ')"));
    }
    sql
}

/// What stands in a token's text besides its name and description: names of its project, its
/// workflow and its creator, as expressions.
struct Names<'a> {
    token: &'a str,
    project: &'a str,
    workflow: &'a str,
    creator: &'a str,
}

/// A token's text as JSON, in lower case of ASCII.
fn text(names: &Names<'_>) -> String {
    let Names {
        token,
        project,
        workflow,
        creator,
    } = names;
    format!(
        "lower(json_quote(replace(replace(replace(\
         {token}.name || ' ' || ifnull({token}.description, '') \
         || ' ' || ifnull({project}, '') || ' ' || ifnull({workflow}, '') || ' ' || ifnull({creator}, '') \
         || iif({token}.created_by glob 'admin-token:*', substr({token}.created_by, 12), '') \
         || iif({token}.created_by glob 'session:*', substr({token}.created_by, 8), '')\
         , char(9), ' '), char(10), ' '), char(13), ' ')))"
    )
}

/// The words of the token of that name in a statement, as a table `word`. The text is split in three
/// steps because a parser of SQLite may nest only so deep.
fn words(token: &str) -> String {
    let named = |table: &str, column: &str| {
        let short = table.get(..1).unwrap_or(table);
        format!("(select {short}.name from {table} {short} where {short}.id = {token}.{column})")
    };
    let names = Names {
        token,
        project: &named("projects", "project_id"),
        workflow: &named("workflows", "workflow_id"),
        creator: &format!("(select m.name from tokens m where m.id = {token}.minted_by)"),
    };
    let [first, second, third] = SEPARATORS;
    let split = |inner: &str, separators: &str, name: &str| {
        let spaced = spaced(inner, separators);
        format!("json_each('[\"' || replace({spaced}, ' ', '\",\"') || '\"]') as {name}")
    };
    [
        split(&text(&names), first, "first"),
        split("first.value", second, "second"),
        split("second.value", third, "word"),
    ]
    .join(", ")
}

/// Whether a token of a list has words that begin so, all of them; `?` is a JSON list of beginnings. In a
/// statement with `t`, `p`, `w` and `m`, as `token_rows` joins them.
pub fn has_all() -> String {
    let names = Names {
        token: "t",
        project: "p.name",
        workflow: "w.name",
        creator: "m.name",
    };
    let [first, second, third] = SEPARATORS;
    let (before, behind) = (format!("{first}{second}"), third);
    let (half, whole) = (spaced(&text(&names), &before), spaced("half.text", behind));
    format!(
        "(select min(instr({whole}, ' ' || wanted.value)) \
         from (select {half} as text) as half, json_each(?) as wanted) > 0"
    )
}

/// Whether a token's text has this anywhere, which costs little: what has it not has no such word.
pub const MENTIONS: &str = "instr(lower(t.name || ' ' || ifnull(t.description, '') || ' ' || ifnull(p.name, '') \
     || ' ' || ifnull(w.name, '') || ' ' || ifnull(m.name, '') || ' ' || t.created_by), ?) > 0";

/// The texts that begin so, as a range: from the first to before the second.
pub fn beginning(word: &str) -> [Bind; 2] {
    [Bind::text(word), Bind::text(format!("{word}\u{10ffff}"))]
}

/// How many matches each word has, up to a limit, and whether tokens are without words as yet.
pub(super) const COUNTS: &str = "select wanted.value as word, (select count(*) from (select 1 from token_words \
     where organization_id = ?1 and word >= wanted.value and word < wanted.value || char(1114111) \
     limit ?3)) as found, (select count(*) from token_words_backfill) as waiting \
     from json_each(?2) as wanted";

#[derive(Deserialize)]
struct Count {
    word: String,
    found: u32,
    waiting: u32,
}

/// The word that the fewest tokens have, where they are few and all tokens have their words.
///
/// # Errors
/// `Unavailable`.
pub async fn rarest(
    env: &Env,
    organization: OrganizationId,
    words: &[String],
) -> Result<Option<String>> {
    let values = vec![
        Bind::text(organization),
        Bind::Text(serde_json::to_string(words).map_err(d1::failed)?),
        Bind::number(COUNTED + 1),
    ];
    let counts: Vec<Count> = d1::rows(env, COUNTS, values).await?;
    Ok(choose(counts))
}

fn choose(counts: Vec<Count>) -> Option<String> {
    let rarest = counts.into_iter().min_by_key(|count| count.found)?;
    (rarest.waiting == 0 && rarest.found <= COUNTED).then_some(rarest.word)
}

/// The tokens whose turn it is.
const NEXT: &str = "select id from tokens where id > (select after from token_words_backfill) \
     order by id limit ?";

fn fill() -> String {
    format!(
        "insert or ignore into token_words (organization_id, word, token_id) \
         select distinct t.organization_id, word.value, t.id from tokens t, {} \
         where t.id in ({NEXT}) and word.value <> ''",
        words("t")
    )
}

/// Notes how far it has come, and that nothing is left.
const ADVANCE: [&str; 2] = [
    "update token_words_backfill set after = coalesce((select max(id) from \
     (select id from tokens where id > token_words_backfill.after order by id limit ?)), 'g')",
    "delete from token_words_backfill where not exists \
     (select 1 from tokens where id > token_words_backfill.after)",
];

/// Gives their words to tokens from before migration 0012, a bounded number of them.
///
/// # Errors
/// `Unavailable`.
pub async fn backfill(env: &Env) -> Result<()> {
    let database = d1::database(env)?;
    let ((limit, times), fill) = (AT_A_TIME, fill());
    let [advance, finish] = ADVANCE;
    for _ in 0..times {
        // In one step. A token that comes meanwhile has its words by a trigger.
        let batch = vec![
            d1::statement(&database, &fill, vec![Bind::number(limit)]).map_err(d1::failed)?,
            d1::statement(&database, advance, vec![Bind::number(limit)]).map_err(d1::failed)?,
            d1::statement(&database, finish, Vec::new()).map_err(d1::failed)?,
        ];
        let done = database.batch(batch).await.map_err(d1::failed)?;
        let advanced = done.get(1).map(|result| result.meta()).transpose();
        let changes = advanced.map_err(d1::failed)?.flatten();
        if changes.and_then(|meta| meta.changes).unwrap_or(0) == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
