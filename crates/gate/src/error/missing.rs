//! The sentence for a call that no upstream credential is set for (R42).

use postern_domain::upstream::Reach;

/// What no upstream credential is set for, and the paths by which one is.
pub(super) fn missing(reach: &Reach) -> String {
    let paths = reach.widening().into_iter().map(|wider| {
        let project = wider.project().map(|name| format!("/projects/{name}"));
        let workflow = wider.workflow().map(|name| format!("/workflows/{name}"));
        let (project, workflow) = (project.unwrap_or_default(), workflow.unwrap_or_default());
        format!("`PUT /org{project}{workflow}/upstream`")
    });
    let paths: Vec<String> = paths.collect();
    let lacks = match (reach.project(), reach.workflow()) {
        (None, _) => "this organization".to_owned(),
        (Some(project), None) => format!("project `{project}`"),
        (Some(project), Some(workflow)) => format!("workflow `{workflow}` of project `{project}`"),
    };
    let paths = paths.join(" or ");
    format!(
        "no credential for the origin is set for {lacks}: have an administrator set one with {paths}"
    )
}
