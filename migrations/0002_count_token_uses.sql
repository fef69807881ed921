-- Why: lists show how often a token has been used and find what a token has minted. The release
-- before neither reads nor writes these; it runs on.

alter table tokens add column uses integer not null default 0;

create index tokens_by_minter on tokens (minted_by, created_at desc, id desc)
where minted_by is not null;
