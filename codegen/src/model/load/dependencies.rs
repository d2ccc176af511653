//! `dependencies`, the keyword that 2019-09 split in two: validators of the later drafts keep it for old schemas, so it
//! is read everywhere, as they read it. Where it is split it is in dispute too: the drafts leave it to the validator.
use referencing::Draft;

use super::{Loader, ModelError, Reader};
use crate::model::{Disputed, NodeKind, ObjectKeywords};

impl Reader<'_, '_, '_> {
    /// Adds what `dependencies` says to what its successors say.
    ///
    /// # Errors
    /// It is malformed, or says of a member what `dependentSchemas` says too.
    pub(super) fn old_dependencies(
        &mut self,
        object: &mut ObjectKeywords,
        disputed: &mut Disputed,
    ) -> Result<(), ModelError> {
        let since_2019 = matches!(self.task.draft, Draft::Draft201909 | Draft::Draft202012);
        for (name, value) in self.members("dependencies")?.into_iter().flatten() {
            if value.is_array() {
                let needed = self.names("dependencies", value)?;
                if since_2019 {
                    disputed
                        .dependent_required
                        .insert(name.clone(), needed.clone());
                }
                // Both keywords hold.
                let known = object.dependent_required.entry(name.clone());
                known.or_default().extend(needed);
                continue;
            }
            if object.dependent_schemas.contains_key(name) {
                let problem =
                    format!("says of `{name}` what `dependentSchemas` says too; keep one of both");
                return Err(self.bad("dependencies", &problem));
            }
            let schema = self.child(&["dependencies", name], value)?;
            object.dependent_schemas.insert(name.clone(), schema);
            if since_2019 {
                disputed.dependent_schemas.push(name.clone());
                self.loader.old_dependency.get_or_insert(self.task.id);
            }
        }
        Ok(())
    }
}

impl Loader<'_, '_> {
    /// `unevaluatedProperties` counts what `dependentSchemas` looked at; of `dependencies`, which its drafts do not
    /// know, no draft says.
    ///
    /// # Errors
    /// The schemas have both.
    pub(super) fn refuse_unclear_evaluation(&self) -> Result<(), ModelError> {
        let Some(old) = self.old_dependency else {
            return Ok(());
        };
        let counts = self.nodes.iter().any(|node| match &node.kind {
            NodeKind::Keywords(keywords) => keywords.object.unevaluated_properties.is_some(),
            _ => false,
        });
        if !counts {
            return Ok(());
        }
        let location = &self.nodes[old.0 as usize].location;
        Err(ModelError {
            document: location.document.clone(),
            pointer: format!("{}/dependencies", location.pointer),
            problem: "`dependencies` beside `unevaluatedProperties` is read in two ways; write `dependentSchemas`"
                .to_owned(),
        })
    }
}
