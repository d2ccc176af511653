//! Builds a [`Model`] from JSON documents: resolves references and folds the drafts together.
//!
//! Reference resolution (`$id`, `$anchor`, dynamic scope, bundled meta-schemas) is the
//! `referencing` crate's; this file only reads keywords. Malformed keywords are errors with
//! their pointer, never ignored.
mod dependencies;
mod disputed;

use std::cell::OnceCell;
use std::collections::HashMap;

use indexmap::IndexMap;
use referencing::{Draft, Registry, Resolver, ResourceRef};
use serde_json::{Map, Number, Value};

use super::member::member;
use super::{
    Annotations, ArrayKeywords, Disputed, DynamicReference, Keywords, Location, Model, Node,
    NodeKind, NumberKeywords, ObjectKeywords, ResourceId, SchemaId, StringKeywords, TypeSet,
};

/// Why a schema could not become a model.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{document}#{pointer}: {problem}")]
pub struct ModelError {
    /// URI of the document.
    pub document: String,
    /// JSON pointer of the offending keyword.
    pub pointer: String,
    /// What is wrong and, where known, what to write instead.
    pub problem: String,
}

/// The base URI of a schema that has no `$id` and no file.
const ANONYMOUS: &str = "registry:///schema";

/// Builds the model of one self-contained schema. `draft` applies where the schema has no `$schema`.
///
/// # Errors
/// A malformed keyword or an unresolvable reference, with its pointer.
pub fn build(schema: &Value, draft: Draft) -> Result<Model, ModelError> {
    build_in(&[(ANONYMOUS, schema)], 0, "", draft)
}

/// Builds the model of the schema at `pointer` in `documents[root]`; the others are there to be referred to.
///
/// Shape: `documents` are (absolute URI, schema) pairs.
///
/// # Errors
/// A malformed keyword or an unresolvable reference, with its pointer.
pub fn build_in(
    documents: &[(&str, &Value)],
    root: usize,
    pointer: &str,
    draft: Draft,
) -> Result<Model, ModelError> {
    let (root_uri, root_schema) = documents[root];
    let fail = |problem: String| ModelError {
        document: root_uri.to_owned(),
        pointer: pointer.to_owned(),
        problem,
    };
    let registry = Registry::new()
        .draft(known(draft.detect(root_schema)))
        .extend(documents.iter().map(|(uri, schema)| (*uri, *schema)))
        .and_then(referencing::RegistryBuilder::prepare)
        .map_err(|error| fail(format!("cannot resolve references: {error}")))?;
    let base = referencing::uri::from_str(root_uri).map_err(|error| fail(error.to_string()))?;
    let resolver = registry.resolver(base);
    let root_draft = known(draft.detect(root_schema));
    let resolver = resolver
        .in_subresource(ResourceRef::new(root_schema, root_draft))
        .map_err(|error| fail(error.to_string()))?;
    let target = root_schema
        .pointer(pointer)
        .ok_or_else(|| fail("no schema at this pointer".to_owned()))?;
    let mut loader = Loader {
        documents,
        places: OnceCell::new(),
        ids: HashMap::new(),
        resources: HashMap::new(),
        nodes: Vec::new(),
        dynamic_anchors: IndexMap::new(),
        pending: Vec::new(),
        old_dependency: None,
    };
    let location = Location {
        document: root_uri.to_owned(),
        pointer: pointer.to_owned(),
    };
    let root = loader.node(target, &resolver, root_draft, location)?;
    while let Some(task) = loader.pending.pop() {
        loader.fill(task)?;
    }
    loader.refuse_unclear_evaluation()?;
    Ok(Model {
        nodes: loader.nodes,
        root,
        dynamic_anchors: loader.dynamic_anchors,
    })
}

/// A custom meta-schema is read as the newest draft.
#[must_use]
pub fn known(draft: Draft) -> Draft {
    match draft {
        Draft::Draft4 | Draft::Draft6 | Draft::Draft7 | Draft::Draft201909 | Draft::Draft202012 => {
            draft
        }
        _ => Draft::Draft202012,
    }
}

struct Task<'r> {
    id: SchemaId,
    value: &'r Map<String, Value>,
    resolver: Resolver<'r>,
    draft: Draft,
}

struct Loader<'d, 'r> {
    documents: &'d [(&'d str, &'d Value)],
    places: OnceCell<HashMap<usize, Location>>,
    ids: HashMap<(usize, Draft), SchemaId>,
    resources: HashMap<String, ResourceId>,
    nodes: Vec<Node>,
    dynamic_anchors: IndexMap<(ResourceId, String), SchemaId>,
    pending: Vec<Task<'r>>,
    /// The first schema of a later draft that has `dependencies` on a schema.
    old_dependency: Option<SchemaId>,
}

/// Schemas are borrowed from the registry for the whole build, so an address names a schema.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'r> Loader<'_, 'r> {
    /// The node of `value`, made on first sight; its keywords are read later, from `pending`,
    /// so deep schemas need no deep stack.
    fn node(
        &mut self,
        value: &'r Value,
        resolver: &Resolver<'r>,
        draft: Draft,
        location: Location,
    ) -> Result<SchemaId, ModelError> {
        let names_itself = |members: &Map<String, Value>| {
            member(members, "$id").is_some() || member(members, "id").is_some()
        };
        let draft = if value.as_object().is_some_and(names_itself) {
            known(draft.detect(value))
        } else {
            draft
        };
        if let Some(id) = self.ids.get(&(address(value), draft)) {
            return Ok(*id);
        }
        let fail = |problem: String| ModelError {
            document: location.document.clone(),
            pointer: location.pointer.clone(),
            problem,
        };
        let resolver = resolver
            .in_subresource(ResourceRef::new(value, draft))
            .map_err(|error| fail(error.to_string()))?;
        let id =
            SchemaId(u32::try_from(self.nodes.len()).map_err(|_| fail("too many schemas".into()))?);
        self.ids.insert((address(value), draft), id);
        let uri = resolver.base_uri();
        let uri = uri.as_str();
        let (resource, first_sight) = match self.resources.get(uri) {
            Some(resource) => (*resource, false),
            None => {
                let resource = ResourceId(u32::try_from(self.resources.len()).unwrap_or(u32::MAX));
                self.resources.insert(uri.to_owned(), resource);
                (resource, true)
            }
        };
        let kind = match value {
            Value::Bool(accepts) => NodeKind::Bool(*accepts),
            Value::Object(keywords) => {
                self.pending.push(Task {
                    id,
                    value: keywords,
                    resolver: resolver.clone(),
                    draft,
                });
                // Until its keywords are read.
                NodeKind::Bool(true)
            }
            other => {
                return Err(fail(format!(
                    "a schema is an object or a boolean, not {other}"
                )));
            }
        };
        self.nodes.push(Node {
            location,
            resource,
            kind,
        });
        if first_sight {
            self.load_dynamic_anchors(&resolver, draft, resource)?;
        }
        Ok(id)
    }

    /// Dynamic anchors can be reached from anywhere that enters their resource, so all are loaded.
    fn load_dynamic_anchors(
        &mut self,
        resolver: &Resolver<'r>,
        draft: Draft,
        resource: ResourceId,
    ) -> Result<(), ModelError> {
        if !matches!(draft, Draft::Draft201909 | Draft::Draft202012) {
            return Ok(());
        }
        let Ok(root) = resolver.lookup("#") else {
            return Ok(());
        };
        let (root, root_resolver, _) = root.into_inner();
        let mut stack = vec![(root, true)];
        while let Some((value, is_root)) = stack.pop() {
            if !is_root && value.get("$id").is_some() {
                continue;
            }
            let name = if draft == Draft::Draft202012 {
                value.get("$dynamicAnchor").and_then(Value::as_str)
            } else if is_root && value.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
                Some("")
            } else {
                None
            };
            if let Some(name) = name {
                let location = self.place(value, root_resolver.base_uri().as_str(), name);
                let id = self.node(value, &root_resolver, draft, location)?;
                self.dynamic_anchors.insert((resource, name.to_owned()), id);
            }
            stack.extend(draft.subresources_of(value).map(|child| (child, false)));
        }
        Ok(())
    }

    /// File and pointer of a schema that was reached by reference.
    fn place(&self, value: &Value, uri: &str, fragment: &str) -> Location {
        let places = self.places.get_or_init(|| {
            let mut places = HashMap::new();
            for (uri, document) in self.documents {
                let mut stack = vec![(*document, String::new())];
                while let Some((value, pointer)) = stack.pop() {
                    match value {
                        Value::Object(members) => {
                            stack.extend(members.iter().map(|(name, child)| {
                                (child, format!("{pointer}/{}", escape(name)))
                            }))
                        }
                        Value::Array(items) => stack.extend(
                            items
                                .iter()
                                .enumerate()
                                .map(|(index, child)| (child, format!("{pointer}/{index}"))),
                        ),
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                    }
                    places.insert(
                        address(value),
                        Location {
                            document: (*uri).to_owned(),
                            pointer,
                        },
                    );
                }
            }
            places
        });
        places
            .get(&address(value))
            .cloned()
            .unwrap_or_else(|| Location {
                document: uri.to_owned(),
                pointer: fragment.to_owned(),
            })
    }

    fn fill(&mut self, task: Task<'r>) -> Result<(), ModelError> {
        let id = task.id;
        let keywords = Reader { loader: self, task }.read()?;
        self.nodes[id.0 as usize].kind = NodeKind::Keywords(Box::new(keywords));
        Ok(())
    }
}

/// Escapes one reference token of a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(token: &str) -> String {
    if token.contains(['~', '/']) {
        token.replace('~', "~0").replace('/', "~1")
    } else {
        token.to_owned()
    }
}

/// A reference token of a JSON pointer as it is meant: the inverse of [`escape`].
#[must_use]
pub fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Reads one schema object's keywords.
struct Reader<'l, 'd, 'r> {
    loader: &'l mut Loader<'d, 'r>,
    task: Task<'r>,
}

impl<'r> Reader<'_, '_, 'r> {
    fn read(mut self) -> Result<Keywords, ModelError> {
        let draft = self.task.draft;
        let since_2019 = matches!(draft, Draft::Draft201909 | Draft::Draft202012);
        let mut keywords = Keywords {
            annotations: self.annotations(),
            ..Keywords::default()
        };
        if let Some(reference) = self.given("$ref") {
            let reference = self.text("$ref", reference)?;
            keywords.reference = Some(self.follow("$ref", reference)?);
            if !since_2019 {
                // Draft 07 and older: everything beside `$ref` is ignored.
                keywords.disputed = self.beside_reference();
                return Ok(keywords);
            }
        }
        keywords.dynamic_reference = self.dynamic_reference()?;
        keywords.types = self.types()?;
        keywords.spelled_integers = draft == Draft::Draft4;
        keywords.enumeration = match self.given("enum") {
            None => None,
            Some(Value::Array(values)) => Some(values.clone()),
            Some(_) => return Err(self.bad("enum", "takes an array")),
        };
        if draft != Draft::Draft4 {
            keywords.constant = self.given("const").cloned();
        }
        keywords.number = self.number()?.into();
        keywords.string = StringKeywords {
            min_length: self.count("minLength")?,
            max_length: self.count("maxLength")?,
            pattern: self.optional_text("pattern")?,
            format: self.optional_text("format")?,
        }
        .into();
        keywords.array = self.array()?.into();
        let mut disputed = self.disputed()?;
        keywords.object = self.object(&mut disputed)?.into();
        keywords.disputed = (disputed != Disputed::default()).then(|| Box::new(disputed));
        keywords.all_of = self.schemas("allOf")?;
        keywords.any_of = self.schemas("anyOf")?;
        keywords.one_of = self.schemas("oneOf")?;
        keywords.not = self.schema("not")?;
        if draft >= Draft::Draft7 {
            keywords.condition = self.schema("if")?;
            if keywords.condition.is_some() {
                keywords.then = self.schema("then")?;
                keywords.otherwise = self.schema("else")?;
            }
        }
        Ok(keywords)
    }

    fn given(&self, keyword: &str) -> Option<&'r Value> {
        member(self.task.value, keyword)
    }

    fn location(&self) -> &Location {
        &self.loader.nodes[self.task.id.0 as usize].location
    }

    fn bad(&self, keyword: &str, problem: &str) -> ModelError {
        ModelError {
            document: self.location().document.clone(),
            pointer: format!("{}/{}", self.location().pointer, escape(keyword)),
            problem: format!("`{keyword}` {problem}"),
        }
    }

    fn text(&self, keyword: &str, value: &'r Value) -> Result<&'r str, ModelError> {
        value
            .as_str()
            .ok_or_else(|| self.bad(keyword, "takes a string"))
    }

    fn optional_text(&self, keyword: &str) -> Result<Option<String>, ModelError> {
        self.given(keyword)
            .map(|value| self.text(keyword, value).map(str::to_owned))
            .transpose()
    }

    fn follow(&mut self, keyword: &str, reference: &str) -> Result<SchemaId, ModelError> {
        let resolved =
            self.task.resolver.lookup(reference).map_err(|error| {
                self.bad(keyword, &format!("`{reference}` leads nowhere: {error}"))
            })?;
        let (value, resolver, draft) = resolved.into_inner();
        let fragment = reference
            .split_once('#')
            .map_or("", |(_, fragment)| fragment);
        let location = self
            .loader
            .place(value, resolver.base_uri().as_str(), fragment);
        self.loader.node(value, &resolver, known(draft), location)
    }

    fn dynamic_reference(&mut self) -> Result<Option<DynamicReference>, ModelError> {
        let (keyword, reference) = match self.task.draft {
            Draft::Draft202012 => match self.given("$dynamicRef") {
                Some(reference) => ("$dynamicRef", self.text("$dynamicRef", reference)?),
                None => return Ok(None),
            },
            Draft::Draft201909 => match self.given("$recursiveRef") {
                Some(_) => ("$recursiveRef", "#"),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let initial = self.follow(keyword, reference)?;
        let name = if keyword == "$recursiveRef" {
            ""
        } else {
            reference
                .split_once('#')
                .map_or("", |(_, fragment)| fragment)
        };
        let resource = self.loader.nodes[initial.0 as usize].resource;
        let is_anchor = self
            .loader
            .dynamic_anchors
            .get(&(resource, name.to_owned()))
            == Some(&initial);
        Ok(Some(DynamicReference {
            initial,
            anchor: is_anchor.then(|| name.to_owned()),
        }))
    }

    fn types(&self) -> Result<Option<TypeSet>, ModelError> {
        let one = |value: &Value| {
            Ok(match value.as_str() {
                Some("null") => TypeSet::NULL,
                Some("boolean") => TypeSet::BOOLEAN,
                Some("integer") => TypeSet::INTEGER,
                Some("number") => TypeSet::NUMBER,
                Some("string") => TypeSet::STRING,
                Some("array") => TypeSet::ARRAY,
                Some("object") => TypeSet::OBJECT,
                _ => return Err(self.bad("type", &format!("does not know {value}"))),
            })
        };
        match self.given("type") {
            None => Ok(None),
            Some(Value::Array(names)) => names
                .iter()
                .try_fold(TypeSet(0), |set, name| Ok(set.union(one(name)?)))
                .map(Some),
            Some(name) => one(name).map(Some),
        }
    }

    fn count(&self, keyword: &str) -> Result<Option<u64>, ModelError> {
        match self.given(keyword) {
            None => Ok(None),
            Some(value) => {
                // 2.0 is an integer; a count beyond 2^53 bounds nothing that exists.
                let whole = value.as_u64().or_else(|| {
                    value
                        .as_f64()
                        .filter(|float| *float >= 0.0 && float.fract() == 0.0)
                        .map(|float| {
                            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                            let count = float as u64;
                            count
                        })
                });
                whole
                    .map(Some)
                    .ok_or_else(|| self.bad(keyword, "takes a non-negative integer"))
            }
        }
    }

    fn numeric(&self, keyword: &str) -> Result<Option<Number>, ModelError> {
        match self.given(keyword) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.clone())),
            Some(_) => Err(self.bad(keyword, "takes a number")),
        }
    }

    fn number(&self) -> Result<NumberKeywords, ModelError> {
        let mut number = NumberKeywords {
            multiple_of: self.numeric("multipleOf")?,
            ..NumberKeywords::default()
        };
        if number
            .multiple_of
            .as_ref()
            .and_then(Number::as_f64)
            .is_some_and(|step| step <= 0.0)
        {
            return Err(self.bad("multipleOf", "takes a number above 0"));
        }
        if self.task.draft == Draft::Draft4 {
            let exclusive = |keyword| self.given(keyword) == Some(&Value::Bool(true));
            let (minimum, maximum) = (self.numeric("minimum")?, self.numeric("maximum")?);
            if exclusive("exclusiveMinimum") {
                number.exclusive_minimum = minimum;
            } else {
                number.minimum = minimum;
            }
            if exclusive("exclusiveMaximum") {
                number.exclusive_maximum = maximum;
            } else {
                number.maximum = maximum;
            }
            return Ok(number);
        }
        number.minimum = self.numeric("minimum")?;
        number.maximum = self.numeric("maximum")?;
        number.exclusive_minimum = self.numeric("exclusiveMinimum")?;
        number.exclusive_maximum = self.numeric("exclusiveMaximum")?;
        Ok(number)
    }

    fn child(&mut self, path: &[&str], value: &'r Value) -> Result<SchemaId, ModelError> {
        let above = self.location();
        let more: usize = path.iter().map(|token| token.len() + 1).sum();
        let mut pointer = String::with_capacity(above.pointer.len() + more);
        pointer.push_str(&above.pointer);
        for token in path {
            pointer.push('/');
            if token.contains(['~', '/']) {
                pointer.push_str(&escape(token));
            } else {
                pointer.push_str(token);
            }
        }
        let location = Location {
            document: above.document.clone(),
            pointer,
        };
        let resolver = self.task.resolver.clone();
        self.loader
            .node(value, &resolver, self.task.draft, location)
    }

    fn schema(&mut self, keyword: &str) -> Result<Option<SchemaId>, ModelError> {
        self.given(keyword)
            .map(|value| self.child(&[keyword], value))
            .transpose()
    }

    fn schemas(&mut self, keyword: &str) -> Result<Vec<SchemaId>, ModelError> {
        match self.given(keyword) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values
                .iter()
                .enumerate()
                .map(|(index, value)| self.child(&[keyword, &index.to_string()], value))
                .collect(),
            Some(_) => Err(self.bad(keyword, "takes an array of schemas")),
        }
    }

    fn members(&self, keyword: &str) -> Result<Option<&'r Map<String, Value>>, ModelError> {
        match self.given(keyword) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(self.bad(keyword, "takes an object")),
        }
    }

    fn named_schemas(&mut self, keyword: &str) -> Result<IndexMap<String, SchemaId>, ModelError> {
        let members = self.members(keyword)?;
        let mut schemas = IndexMap::with_capacity(members.map_or(0, Map::len));
        for (name, value) in members.into_iter().flatten() {
            schemas.insert(name.clone(), self.child(&[keyword, name], value)?);
        }
        Ok(schemas)
    }

    fn names(&self, keyword: &str, value: &Value) -> Result<Vec<String>, ModelError> {
        value
            .as_array()
            .and_then(|names| {
                names
                    .iter()
                    .map(|name| name.as_str().map(str::to_owned))
                    .collect()
            })
            .ok_or_else(|| self.bad(keyword, "takes an array of property names"))
    }

    fn array(&mut self) -> Result<ArrayKeywords, ModelError> {
        let draft = self.task.draft;
        let since_2019 = matches!(draft, Draft::Draft201909 | Draft::Draft202012);
        let mut array = ArrayKeywords {
            min_items: self.count("minItems")?,
            max_items: self.count("maxItems")?,
            unique_items: self.given("uniqueItems") == Some(&Value::Bool(true)),
            ..ArrayKeywords::default()
        };
        if draft == Draft::Draft202012 {
            array.prefix_items = self.schemas("prefixItems")?;
            if matches!(self.given("items"), Some(Value::Array(_))) {
                return Err(self.bad(
                    "items",
                    "takes one schema in draft 2020-12; write `prefixItems` for a tuple",
                ));
            }
            array.items = self.schema("items")?;
        } else if matches!(self.given("items"), Some(Value::Array(_))) {
            array.prefix_items = self.schemas("items")?;
            array.items = self.schema("additionalItems")?;
        } else {
            array.items = self.schema("items")?;
        }
        if draft != Draft::Draft4 {
            array.contains = self.schema("contains")?;
            array.contains_evaluates = draft == Draft::Draft202012 && array.contains.is_some();
        }
        if since_2019 {
            if array.contains.is_some() {
                array.min_contains = self.count("minContains")?;
                array.max_contains = self.count("maxContains")?;
            }
            array.unevaluated_items = self.schema("unevaluatedItems")?;
        }
        Ok(array)
    }

    fn object(&mut self, disputed: &mut Disputed) -> Result<ObjectKeywords, ModelError> {
        let draft = self.task.draft;
        let since_2019 = matches!(draft, Draft::Draft201909 | Draft::Draft202012);
        let mut object = ObjectKeywords {
            properties: self.named_schemas("properties")?,
            pattern_properties: self.named_schemas("patternProperties")?,
            additional_properties: self.schema("additionalProperties")?,
            min_properties: self.count("minProperties")?,
            max_properties: self.count("maxProperties")?,
            ..ObjectKeywords::default()
        };
        if let Some(required) = self.given("required") {
            object.required = self.names("required", required)?;
        }
        if draft != Draft::Draft4 {
            object.property_names = self.schema("propertyNames")?;
        }
        if since_2019 {
            for (name, value) in self.members("dependentRequired")?.into_iter().flatten() {
                object
                    .dependent_required
                    .insert(name.clone(), self.names("dependentRequired", value)?);
            }
            object.dependent_schemas = self.named_schemas("dependentSchemas")?;
            object.unevaluated_properties = self.schema("unevaluatedProperties")?;
        }
        self.old_dependencies(&mut object, disputed)?;
        Ok(object)
    }

    fn annotations(&self) -> Annotations {
        let text = |keyword| {
            self.given(keyword)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Annotations {
            title: text("title"),
            description: text("description"),
            default: self.given("default").cloned(),
            examples: self
                .given("examples")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            deprecated: self.given("deprecated") == Some(&Value::Bool(true)),
            extensions: self
                .task
                .value
                .iter()
                .filter(|(name, _)| name.starts_with("x-"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }
}
