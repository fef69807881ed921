-- Why: tokens that the origin minted can be registered here (R39), with the claims that they must
-- have on every use. The release before neither reads nor writes this; it runs on.

-- JSON of the claims as registered; null = the token was minted here.
alter table tokens add column claims text;
