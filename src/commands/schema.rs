//! `schema`: the JSON Schema of an output.

use std::io;

use super::{Streams, deliver};
use crate::cli::SchemaArgs;
use crate::error::{Error, Exit};
use crate::render;

pub(super) fn run(args: &SchemaArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let name = if args.what == "list" { "report" } else { args.what.as_str() };
    let schema = render::schema(name).ok_or_else(|| Error::Usage {
        problem: format!("there is no schema `{name}`"),
        hint: format!("`earmark schema` has {}", render::SCHEMAS.join(", ")),
    })?;
    deliver(&args.output, streams, |out| {
        serde_json::to_writer_pretty(&mut *out, &schema).map_err(io::Error::from)?;
        writeln!(out)
    })?;
    Ok(Exit::Ok)
}
