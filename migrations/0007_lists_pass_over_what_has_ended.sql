-- Why: with years of ended tokens, lists of those that live, that are revoked, or that are the organization's own read
-- far more rows than they showed. The release before neither reads nor writes these; it runs on.

-- 1 = ended, and found so by the hourly event. What has ended since is 0 still: only an index may rest on it.
alter table tokens add column over integer not null default 0 check (over in (0, 1));

create index tokens_not_over on tokens (organization_id, created_at desc, id desc) where over = 0;
create index tokens_revoked on tokens (organization_id, created_at desc, id desc)
where revoked_at is not null;
create index tokens_of_organizations on tokens (organization_id, created_at desc, id desc)
where project_id is null;

-- When a token ends, for the hourly event; without an end, at the end of time.
create index tokens_ending on tokens (
    min(ifnull(revoked_at, 9007199254740991), ifnull(expires_at, 9007199254740991))
) where over = 0;
