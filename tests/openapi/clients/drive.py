"""A program as a user of the gateway would write it, on the client that openapi-python-client made of
docs/openapi.json: create, list, rotate, explain, revoke, a trust rule, and an error decoded."""

import os
import sys
from uuid import UUID

from postern_client import AuthenticatedClient
from postern_client.api.tokens import explain, list_tokens, mint_token, revoke_token, revoke_tokens, rotate_token
from postern_client.api.trust_rules import add_trust_rule, list_trust_rules, remove_trust_rule, test_job_token
from postern_client.models import (
    AddTrustRuleBody,
    ExplainBody,
    Explanation,
    ListTokensStatus,
    Minted,
    MintTokenBody,
    Problem,
    RemovedTrustRule,
    RevokeTokensBody,
    Rotated,
    RotateTokenBody,
    TestedJobToken,
    TestJobTokenBody,
    TokenList,
    TrustRule,
    TrustRuleList,
)

URL = os.environ["POSTERN_URL"]
ORGANIZATION = os.environ["POSTERN_ORGANIZATION"]
client = AuthenticatedClient(base_url=URL, token=os.environ["POSTERN_ADMIN"], raise_on_unexpected_status=True)


def be(kind, answer):
    """The answer, which must be of that kind."""
    if not isinstance(answer, kind):
        sys.exit(f"{answer!r} is no {kind.__name__}")
    return answer


def mint(**members):
    return mint_token.sync(client=client, body=MintTokenBody(**members), postern_organization=ORGANIZATION)


def listed():
    answer = list_tokens.sync(client=client, postern_organization=ORGANIZATION, status=ListTokensStatus.ALL, limit=500)
    return be(TokenList, answer).tokens


# Create: without a body, with nothing in it, and for a workflow.
bodiless = be(Minted, mint_token.sync(client=client, postern_organization=ORGANIZATION))
bare = be(Minted, mint())
made = be(Minted, mint(name="ci", project="shop", workflow="release", expires_in="90d"))
assert bare.format_ == made.format_ == "opaque", made.format_
assert isinstance(made.id, UUID) and made.workflow.name == "release" and made.token.startswith("pst_")
assert made.expires_at > made.created_at

# List.
assert {token.id for token in listed()} >= {bodiless.id, bare.id, made.id}

# Rotate.
rotated = be(
    Rotated,
    rotate_token.sync(made.id, client=client, body=RotateTokenBody(overlap="10m"), postern_organization=ORGANIZATION),
)
assert rotated.name == "ci" and rotated.id != made.id

# Explain, as the token.
holder = AuthenticatedClient(base_url=URL, token=rotated.token)
question = ExplainBody(operation="AttestationService/Init", project="shop", workflow="other")
told = be(Explanation, explain.sync(client=holder, body=question))
assert told.allowed is False and told.refusal.code == "other_workflow", told

# Revoke one, and many.
ended = revoke_token.sync(rotated.id, client=client, postern_organization=ORGANIZATION)
assert ended.id == rotated.id and ended.final_at >= ended.revoked_at >= rotated.created_at
many = revoke_tokens.sync(client=client, body=RevokeTokensBody(ids=[bare.id]), postern_organization=ORGANIZATION)
assert many.matched == 1 and many.dry_run is False and many.ids == [bare.id]
assert all(token.revoked_at for token in listed() if token.id in (rotated.id, bare.id))

# A trust rule, what a job token gets by it, and its end.
asked = AddTrustRuleBody(issuer="https://ci.example", subject="job:7", project="shop", policies=["workflow_run:read"])
rule = be(TrustRule, add_trust_rule.sync(client=client, body=asked, postern_organization=ORGANIZATION))
assert rule.longest_life_seconds == 900 and rule.subject == "job:7", rule
rules = be(TrustRuleList, list_trust_rules.sync(client=client, postern_organization=ORGANIZATION))
assert rules.trust_rules == [rule] and rules.audiences == [f"https://gate.example/{ORGANIZATION}"], rules
job = TestJobTokenBody(token="no job's")
tested = be(TestedJobToken, test_job_token.sync(client=client, body=job, postern_organization=ORGANIZATION))
assert tested.verified is False and tested.refusal, tested
removed = remove_trust_rule.sync(rule.id, client=client, postern_organization=ORGANIZATION)
assert be(RemovedTrustRule, removed).revoked_tokens == 0, removed

# An error, decoded.
answer = mint_token.sync_detailed(client=client, body=MintTokenBody(project="nowhere"), postern_organization=ORGANIZATION)
wrong = be(Problem, answer.parsed)
assert (answer.status_code, wrong.status, wrong.code, wrong.detail) == (404, 404, "not_found", "no such project"), wrong
