//! The npm package `create-postern`, as `npm pack` would write it: its program, and the deployed folder inside.

use crate::archive::{File, read_folder};
use crate::content::TEMPLATE;
use crate::{Content, Outcome, Places, read};

const PACKAGE: &str = "packages/create-postern";

/// npm gives a `.gitignore` another name when it unpacks; the package's program gives this one its own back.
const IGNORED: (&str, &str) = (".gitignore", "gitignore");

/// The files of the package, of which `module` is laid down.
pub fn package(places: &Places, module: &Content) -> Outcome<Content> {
    let folder = places.root.join(PACKAGE);
    let template = format!(
        "{}/",
        TEMPLATE.trim_start_matches(PACKAGE).trim_start_matches('/')
    );
    let mut files: Content = read_folder(&folder)?
        .into_iter()
        .filter(|(path, _)| !path.starts_with(&template) && !path.starts_with("test/"))
        .collect();
    if let Some(program) = files.get_mut("index.mjs") {
        program.program = true;
    }
    files.insert(
        "LICENSE".to_owned(),
        File::plain(read(&places.root.join("LICENSE"))?),
    );
    for (path, file) in module {
        let path = if path == IGNORED.0 { IGNORED.1 } else { path };
        files.insert(format!("{template}{path}"), file.clone());
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
