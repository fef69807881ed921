// Policies in words, and which of them a token gets when nobody says otherwise: the lists of crates/domain/src/policy.rs, which
// a test holds against these.

/** What every token gets. */
export const EVERY_TOKEN = {
  "workflow_run:list": "list workflow runs",
  "workflow_run:read": "read a workflow run",
  "workflow:read": "read a workflow",
  "workflow:list": "list workflows",
  "workflow:create": "create workflows",
  "workflow_contract:list": "list contracts",
  "workflow_contract:read": "read a contract",
  "workflow_contract:update": "change contracts",
  "workflow_contract:create": "create contracts",
  "cas_artifact:read": "download artifacts",
  "referrer:read": "follow what an artifact refers to",
  "organization:read": "read the organization",
  "integration_available:read": "read a kind of integration",
  "integration_available:list": "list the kinds of integrations",
  "integration_attached:list": "list integrations attached to workflows",
  "integration_attached:create": "attach integrations to workflows",
  "cas_artifact:create": "upload artifacts",
};

/** What organization-level tokens get besides. */
export const ORGANIZATION_TOKENS = {
  "project_api_token:create": "create project and workflow tokens",
  "project_api_token:list": "see project and workflow tokens",
  "project_api_token:revoke": "revoke project and workflow tokens",
  "integration_registered:create": "register integrations",
  "integration_registered:list": "list registered integrations",
  "integration_registered:read": "read a registered integration",
};

/** Nobody gets these without asking. */
export const ON_REQUEST = {
  "org_api_token:create": "create organization-level tokens",
  "org_api_token:list": "see organization-level tokens",
  "org_api_token:revoke": "revoke organization-level tokens",
  "audit:read": "read and export the audit log",
  "upstream_credential:read": "see which credential for the origin is set",
  "upstream_credential:update": "set and clear the credential for the origin",
  "organization_pause:create": "pause the organization",
  "organization_pause:delete": "resume the organization",
  "api_token:create": "create the origin's own tokens through the gateway",
  "api_token:list": "see the origin's own tokens through the gateway",
  "api_token:delete": "revoke the origin's own tokens through the gateway",
};

export function defaults(scope) {
  return Object.keys(scope === "organization" ? { ...EVERY_TOKEN, ...ORGANIZATION_TOKENS } : EVERY_TOKEN);
}

/** Groups for the form. Narrower tokens could hold the policies to manage tokens, but not use them. */
export function offered(scope) {
  const groups = [["Attestations, workflows and artifacts", EVERY_TOKEN]];
  if (scope === "organization") {
    groups.push(["Tokens of projects, and integrations", ORGANIZATION_TOKENS], ["Not by default", ON_REQUEST]);
  }
  return groups;
}

export function words(policy) {
  const known = { ...EVERY_TOKEN, ...ORGANIZATION_TOKENS, ...ON_REQUEST }[policy];
  if (known) return known;
  const [resource, action] = policy.split(":");
  return action === "*" ? `everything with ${resource}` : `${action} of ${resource}`;
}
