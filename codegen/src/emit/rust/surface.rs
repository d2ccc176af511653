//! What users of the generated types see, as syntax trees, for comparing two registries.
//!
//! Everything is built as for the crate, so that what Rust cannot carry is refused here too; nothing is printed,
//! and the functions that check payloads are left out.
use super::refusal::Refusal;
use super::{checks, crate_files, topic};
use crate::cores;
use crate::fact;
use crate::registry::{Registry, Topic};

/// A topic whose modules are to be read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The topic.
    pub topic: &'a Topic,
    /// Whether the modules of its versions are of interest too, or only the one around them.
    pub versions: bool,
}

/// Hands each module, `topics::order_placed::v1`, and its public items to `read`.
///
/// # Errors
/// Everything in these topics and in the envelope that Rust cannot carry faithfully.
pub fn of<R: Send>(
    registry: &Registry,
    wanted: &[Wanted<'_>],
    read: impl Fn(&str, &syn::File) -> R + Sync,
) -> Result<Vec<R>, Vec<Refusal>> {
    let columns = fact::columns(registry);
    let built = cores::map(wanted, |wanted| {
        let built = topic::build(registry, &columns, wanted.topic, wanted.versions)?;
        let modules = built.versions.iter().chain([&built.whole]);
        let items = modules.filter_map(|module| {
            // What the emitter made parses, and is printed as it is otherwise.
            let file = syn::parse2(module.public.clone()).ok()?;
            Some(read(&name(&module.path), &file))
        });
        Ok((items.collect::<Vec<R>>(), built.summary))
    });
    let (mut items, mut summaries, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for built in built {
        match built {
            Ok((found, summary)) => {
                items.extend(found);
                summaries.push(summary);
            }
            Err(found) => refusals.extend::<Vec<Refusal>>(found),
        }
    }
    if let Err(found) = checks::generate(&registry.envelope.model, "envelope") {
        refusals.extend(found);
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let around = crate_files::topics(&summaries);
    if let Ok(file) = syn::parse_file(&around.contents) {
        items.push(read("topics", &file));
    }
    Ok(items)
}

/// `topics/order_placed/v1.rs` as a path in Rust.
fn name(path: &str) -> String {
    let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
    module.replace('/', "::")
}
