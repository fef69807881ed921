"""What schemathesis cannot know of the gateway from docs/openapi.json alone."""

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

PROBLEM = "application/problem+json"

# Rules that a schema cannot say, so that a request can fit its schema and break one.
BEYOND_SCHEMAS = {
    "address_invalid",  # JSON Schema has formats for either version of an address, not for both
    "address_ranges_invalid",  # a network of either version, which begins where it says
    "default_expires_in_invalid",  # not longer than the longest life
    "lifetime_too_long",  # an organization can say so
    "expiry_required",  # the same
    "reason_invalid",  # some character of it can be seen
    "size_invalid",  # not more than there is
    "trusted_issuers_invalid",  # issuers of the deployment
    "cursor_invalid",  # only what an earlier answer gave
    "description_invalid",  # some character of it can be seen
    "name_invalid",  # the same, by what Unicode says of each
    "edit_empty",  # some member of it is not `null`
    "expires_in_invalid",  # at least a second, at most 100 years
    "expiry_ambiguous",  # one of two
    "expiry_in_the_past",
    "filter_invalid",  # filters that exclude each other, such as `expires_before` and `never_expires`
    "overlap_invalid",
    "overlap_too_long",  # not past the old token's own end
    "run_id_invalid",  # for calls that name a run
    "secret_in_query",  # the tester can put in a secret that an earlier answer gave
    "search_invalid",  # a letter or a digit, in whatever alphabet
    "selector_empty",  # at least one member besides `dry_run`
    "policies_invalid",  # the form, and no more than 100
    "policy_unknown",  # those that something asks for
    "repository_invalid",  # owner and name
    "repository_unknown",
    "trust_rule_invalid",  # an issuer of the deployment, and what one of its kind asks for
    "workflow_of_other_project",
    "workflow_without_project",  # a project that is `null` is none
}


def code(response):
    """The code of a refusal; None for other answers, and for those to HEAD, which have no body."""
    if not response.content:
        return None
    if PROBLEM not in (response.headers.get("content-type") or [""])[0]:
        return None
    return response.json()["code"]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops findings that are no faults."""
    return not (isinstance(failure, RejectedPositiveData) and code(response) in BEYOND_SCHEMAS)


@schemathesis.check
def documented_code(ctx, response, case):
    """A refusal's code is one of those that the document has examples of for this operation and status."""
    told = code(response)
    if told is None or told == "method_not_allowed":
        return
    document = case.operation.schema.raw_schema
    answer = resolved(document, case.operation.definition.raw["responses"].get(str(response.status_code), {}))
    known = set(answer.get("content", {}).get(PROBLEM, {}).get("examples", {}))
    assert told in known, f"answers {response.status_code} {told}; documented are {sorted(known)}"


def resolved(document, value):
    """What a value says, itself or by reference."""
    while "$ref" in value:
        value, parts = document, value["$ref"].removeprefix("#/").split("/")
        for part in parts:
            value = value[part]
    return value
