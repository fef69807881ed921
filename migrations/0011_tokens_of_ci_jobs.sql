-- Why: a trust rule gives tokens to CI jobs (R47); each names the job that it was given to. And an organization can
-- refuse tokens that are stored. The release before neither reads nor writes these; it runs on.

-- JSON: the job, with its trust rule; null = no trust rule gave the token.
alter table tokens add column ci_job text;
-- 1 = tokens are given to CI jobs only.
alter table organizations add column federated_only integer not null default 0;
