// The CI job that a token was given to: which run of which repository, for rows and details of tokens.

import { h, named } from "./dom.js";
import { aboutOf, forgeOf, issuerWords, refWords } from "./ci_rules.js";

/** Names as GitHub and GitLab have them; anything else could make another address. */
const REPOSITORY = {
  github: /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[\w.-]{1,100}$/,
  gitlab: /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*){1,20}$/,
};

/** Where the run can be looked at, or null: only at GitHub and GitLab, and only with a name and a number that are such. */
export function runUrl({ issuer, repository, run_id: run }) {
  const forge = forgeOf(issuer);
  const number = String(run ?? "");
  const name = String(repository ?? "");
  if (!/^\d{1,16}$/.test(number) || !REPOSITORY[forge]?.test(name) || name.split("/").some((part) => /^\.+$/.test(part))) return null;
  if (issuer === "github") return `https://github.com/${name}/actions/runs/${number}`;
  if (issuer === "gitlab") return `https://gitlab.com/${name}/-/pipelines/${number}`;
  const own = /^gitlab=(https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[\w./-]*)?)$/.exec(issuer)?.[1];
  return own ? `${own.replace(/\/$/, "")}/${name}/-/pipelines/${number}` : null;
}

/** What a job is called: its repository, or what else it is known by. */
export const jobName = (job) => job.repository || job.identity ? aboutOf({ ...job.identity, ...job }) : "a CI job";

function run(job) {
  const url = runUrl(job);
  const text = `run ${job.run_id}${job.run_attempt > 1 ? `, attempt ${job.run_attempt}` : ""}`;
  return url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}

/** One line: run, commit and reference. */
export const jobText = (job) => [job.run_id && `run ${job.run_id}`, job.commit?.slice(0, 7), job.ref && refWords(job.ref)].filter(Boolean).join(" · ");

/** Rows for the details of a token. */
export function jobFacts(job) {
  return [
    ["CI job", named(jobName(job)), `, ${issuerWords(job.issuer)}`],
    job.run_id && ["Run", run(job)],
    job.commit && ["Commit", h("code", {}, job.commit)],
    job.ref && ["Branch or tag", named(refWords(job.ref))],
    (job.actor || job.event) && ["Begun by", named([job.actor, job.event && `(${job.event})`].filter(Boolean).join(" "))],
    job.environment && ["Environment", named(job.environment)],
    job.workflow && ["Workflow file", named(job.workflow)],
    job.job_workflow && ["Reusable workflow", named(job.job_workflow)],
  ];
}
