-- Why: the audit log is searched by names of tokens, and a token that was renamed is found by each name that it had
-- (R53). Only an index: the release before runs on.

-- What no Ledger has written may be no JSON. src/store/audit.rs has the same expression.
create index audit_by_former_name on audit (
    organization_id, iif(json_valid(content), json_extract(content, '$.changes."name.before"'), null)
) where action = 'token.edit';
