-- Why: tokens are searched by words of what people call them, and by more filters; events are searched by address and
-- request. A database with a virtual table for that could not be exported, so the words are rows. The release before
-- neither reads nor writes these; it runs on, and the triggers index what it writes.

-- The words of a token: of its name, its description, the names of its project and workflow, and of who created it: the
-- name of the token, or what follows `admin-token:` or `session:`. A word is in lower case, as far as that is ASCII, and
-- ends at any character of ASCII that is no letter or digit. The text is split in three steps because a parser of SQLite
-- may nest only so deep. src/store/token_words.rs has the same SQL, and a test compares them.
create table token_words (
    organization_id text not null,
    word text not null,
    token_id text not null,
    primary key (organization_id, word, token_id)
) strict, without rowid;

create trigger tokens_get_words after insert on tokens
begin
    insert or ignore into token_words (organization_id, word, token_id)
    select distinct new.organization_id, word.value, new.id from
    json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(
        lower(json_quote(replace(replace(replace(
            new.name || ' ' || ifnull(new.description, '')
            || ' ' || ifnull((select p.name from projects p where p.id = new.project_id), '')
            || ' ' || ifnull((select w.name from workflows w where w.id = new.workflow_id), '')
            || ' ' || ifnull((select m.name from tokens m where m.id = new.minted_by), '')
            || iif(new.created_by glob 'admin-token:*', substr(new.created_by, 12), '')
            || iif(new.created_by glob 'session:*', substr(new.created_by, 8), '')
            , char(9), ' '), char(10), ' '), char(13), ' ')))
        , '"', ' '), '\', ' '), '!', ' '), '#', ' '), '$', ' '), '%', ' '), '&', ' '), '''', ' ')
        , ' ', '","') || '"]') as first,
    json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
        first.value
        , '(', ' '), ')', ' '), '*', ' '), '+', ' '), ',', ' '), '-', ' '), '.', ' '), '/', ' '), ':', ' ')
        , ';', ' '), '<', ' '), '=', ' ')
        , ' ', '","') || '"]') as second,
    json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
        second.value
        , '>', ' '), '?', ' '), '@', ' '), '[', ' '), ']', ' '), '^', ' '), '_', ' '), '`', ' '), '{', ' ')
        , '|', ' '), '}', ' '), '~', ' ')
        , ' ', '","') || '"]') as word
    where word.value <> '';
end;

create trigger tokens_lose_words after delete on tokens
begin
    delete from token_words where organization_id = old.organization_id and token_id = old.id and word in (
        select word.value from
        json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(
            lower(json_quote(replace(replace(replace(
                old.name || ' ' || ifnull(old.description, '')
                || ' ' || ifnull((select p.name from projects p where p.id = old.project_id), '')
                || ' ' || ifnull((select w.name from workflows w where w.id = old.workflow_id), '')
                || ' ' || ifnull((select m.name from tokens m where m.id = old.minted_by), '')
                || iif(old.created_by glob 'admin-token:*', substr(old.created_by, 12), '')
                || iif(old.created_by glob 'session:*', substr(old.created_by, 8), '')
                , char(9), ' '), char(10), ' '), char(13), ' ')))
            , '"', ' '), '\', ' '), '!', ' '), '#', ' '), '$', ' '), '%', ' '), '&', ' '), '''', ' ')
            , ' ', '","') || '"]') as first,
        json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            first.value
            , '(', ' '), ')', ' '), '*', ' '), '+', ' '), ',', ' '), '-', ' '), '.', ' '), '/', ' '), ':', ' ')
            , ';', ' '), '<', ' '), '=', ' ')
            , ' ', '","') || '"]') as second,
        json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            second.value
            , '>', ' '), '?', ' '), '@', ' '), '[', ' '), ']', ' '), '^', ' '), '_', ' '), '`', ' '), '{', ' ')
            , '|', ' '), '}', ' '), '~', ' ')
            , ' ', '","') || '"]') as word
    );
end;

-- Tokens from before: the first ones here, the rest by the hourly event, in the order of their ids. While the row is
-- there, tokens behind `after` have no words, and searches read the tokens themselves.
create table token_words_backfill (
    only integer primary key check (only = 0),
    after text not null
) strict;

insert into token_words_backfill (only, after)
select 0, max(first.id) from (select id from tokens order by id limit 10000) as first having count(*) = 10000;

insert or ignore into token_words (organization_id, word, token_id)
select distinct t.organization_id, word.value, t.id from tokens t,
json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(
    lower(json_quote(replace(replace(replace(
        t.name || ' ' || ifnull(t.description, '')
        || ' ' || ifnull((select p.name from projects p where p.id = t.project_id), '')
        || ' ' || ifnull((select w.name from workflows w where w.id = t.workflow_id), '')
        || ' ' || ifnull((select m.name from tokens m where m.id = t.minted_by), '')
        || iif(t.created_by glob 'admin-token:*', substr(t.created_by, 12), '')
        || iif(t.created_by glob 'session:*', substr(t.created_by, 8), '')
        , char(9), ' '), char(10), ' '), char(13), ' ')))
    , '"', ' '), '\', ' '), '!', ' '), '#', ' '), '$', ' '), '%', ' '), '&', ' '), '''', ' ')
    , ' ', '","') || '"]') as first,
json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    first.value
    , '(', ' '), ')', ' '), '*', ' '), '+', ' '), ',', ' '), '-', ' '), '.', ' '), '/', ' '), ':', ' ')
    , ';', ' '), '<', ' '), '=', ' ')
    , ' ', '","') || '"]') as second,
json_each('["' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    second.value
    , '>', ' '), '?', ' '), '@', ' '), '[', ' '), ']', ' '), '^', ' '), '_', ' '), '`', ' '), '{', ' ')
    , '|', ' '), '}', ' '), '~', ' ')
    , ' ', '","') || '"]') as word
where t.id <= ifnull((select after from token_words_backfill), 'g') and word.value <> '';

-- For the audit log, which is searched by names of tokens.
create index tokens_by_name on tokens (organization_id, name);

-- For filters that few tokens meet.
create index tokens_expiring on tokens (organization_id, expires_at, id)
where over = 0 and expires_at is not null;
create index tokens_never_expiring on tokens (organization_id, created_at desc, id desc)
where over = 0 and expires_at is null;
create index tokens_quarantined on tokens (organization_id, created_at desc, id desc)
where quarantined_at is not null;

-- What no Ledger has written may be no JSON.
create index audit_by_address on audit (
    organization_id, iif(json_valid(content), json_extract(content, '$.origin.address'), null),
    at desc, sequence desc
);
create index audit_by_request on audit (
    organization_id, iif(json_valid(content), json_extract(content, '$.origin.request_id'), null),
    at desc, sequence desc
);
