//! The operations of the document, and how each is sent.

use axum::body::Body;
use axum::http::Method;
use futures_util::stream;
use serde_json::Value;

use crate::common::{Answer, Client};
use crate::thing::Things;

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Names of its query parameters.
    pub(crate) parameters: Vec<String>,
    /// The query parameters that must be there, with a value each, from `?` on.
    required: String,
    /// Who may: the words of its security requirements.
    pub(crate) roles: Vec<String>,
    /// Media type and example of its body.
    pub(crate) body: Option<(String, String)>,
    /// Its answer may go on without end.
    pub(crate) is_stream: bool,
}

/// All of them, in the document's order.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in clew_api::document()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push(read(path, method, operation));
        }
    }
    all
}

fn read(path: &str, method: &str, operation: &Value) -> Operation {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let content = operation["requestBody"]["content"].as_object().and_then(|c| c.iter().next());
    let body = content.map(|(kind, media)| {
        let example = &media["example"];
        (kind.clone(), example.as_str().map_or_else(|| example.to_string(), str::to_owned))
    });
    let query: Vec<Value> =
        list(&operation["parameters"]).into_iter().filter(|parameter| parameter["in"] == "query").collect();
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    let required: Vec<String> = query
        .iter()
        .filter(|parameter| parameter["required"] == true)
        .map(|parameter| format!("{}={}", name(parameter), value_of(parameter)))
        .collect();
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_uppercase().parse().unwrap(),
        path: path.to_owned(),
        parameters: query.iter().map(name).collect(),
        required: if required.is_empty() { String::new() } else { format!("?{}", required.join("&")) },
        roles: list(&operation["security"])
            .iter()
            .flat_map(|requirement| requirement.as_object().unwrap().keys().cloned())
            .collect(),
        body,
        is_stream: !operation["responses"]["200"]["content"]["text/event-stream"].is_null(),
    }
}

/// Its example, or the first value that it may have.
fn value_of(parameter: &Value) -> String {
    let told = [&parameter["example"], &parameter["schema"]["example"], &parameter["schema"]["enum"][0]];
    let told = told.into_iter().find(|value| !value.is_null());
    let told = told.unwrap_or_else(|| panic!("{} has no example in the document", parameter["name"]));
    told.as_str().map_or_else(|| told.to_string(), str::to_owned)
}

impl Operation {
    pub(crate) fn is_open(&self) -> bool {
        self.roles.is_empty()
    }

    /// Whether a right suffices, by the document.
    pub(crate) fn allows(&self, right: &str) -> bool {
        let rank = |word: &str| ["reader", "marketer", "owner"].iter().position(|w| *w == word);
        self.roles.iter().any(|role| {
            role == right || matches!((rank(role), rank(right)), (Some(needs), Some(has)) if has >= needs)
        })
    }

    /// The noun that its path is about.
    pub(crate) fn noun(&self) -> &str {
        self.path.split('/').nth(2).unwrap_or_default()
    }

    /// Whether its path names one thing.
    pub(crate) fn is_about_one(&self) -> bool {
        self.path.contains('{')
    }

    /// Its address, with the id of something of the right noun.
    pub(crate) fn address(&self, things: &Things) -> String {
        let mut path = self.path.clone();
        while let Some((before, rest)) = path.clone().split_once('{') {
            let (name, after) = rest.split_once('}').unwrap();
            let noun = if name == "id" { self.noun() } else { name };
            path = format!("{before}{}{after}", things.id(noun, &self.id));
        }
        format!("{path}{}", self.required)
    }

    /// Sends it, with the example of its body.
    pub(crate) async fn send(&self, client: &Client, address: &str) -> Answer {
        let body = self.body.as_ref().map(|(_, example)| example.clone());
        self.send_with(client, address, body, None).await
    }

    /// Sends it with this body and perhaps one more header.
    pub(crate) async fn send_with(
        &self,
        client: &Client,
        address: &str,
        body: Option<String>,
        header: Option<(&str, &str)>,
    ) -> Answer {
        let mut request = client.request(self.method.clone(), address);
        if let Some((kind, _)) = &self.body {
            request = request.header("content-type", kind);
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        client.send(request.body(body.map_or_else(Body::empty, Body::from)).unwrap()).await
    }

    /// With a body that never comes: a refusal that waits for it would hang.
    pub(crate) async fn send_without_end(&self, client: &Client, address: &str) -> Answer {
        let request = client.request(self.method.clone(), address).header("content-type", "application/json");
        let never = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        client.send(request.body(never).unwrap()).await
    }
}
