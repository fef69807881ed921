-- Why: a token can be for some addresses alone and for so many calls a minute, and it can be renamed and made narrower
-- (R53). The release before neither reads nor writes these, and refuses a token that has any; it runs on.

-- JSON: the conditions; null = there are none.
alter table tokens add column conditions text;
-- How often it was edited.
alter table tokens add column revision integer not null default 0;

-- A token that is renamed or described anew is found by its new words. src/store/token_words.rs has the same SQL.
create trigger tokens_change_words after update of name, description on tokens
when old.name <> new.name or old.description is not new.description
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
