-- Why: lists show how often a token has been used and find what a token has minted. The release
-- before neither reads nor writes these; it runs on.

alter table tokens add column uses integer not null default 0;

create index tokens_by_minter on tokens (minted_by, created_at desc, id desc)
where minted_by is not null;

-- R16 for tokens minted before organization-level tokens could manage project tokens: they get the
-- three policies, once, by this migration.
update tokens
set policies = (
    select json_group_array(value) from (
        select value from json_each(tokens.policies)
        union
        select 'project_api_token:create'
        union
        select 'project_api_token:list'
        union
        select 'project_api_token:revoke'
    )
)
where project_id is null;
