/**
 * The documented schema is the one that is written: docs/export.schema.json and the columns of docs/export.md are made from
 * the schemas. After a change, `WRITE_DOCS=1 vitest run test/report/export/ExportRows.test.ts` writes them again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as CampaignExport from "../../../src/report/export/CampaignExport.ts"
import {
  AttemptRow,
  BattleRow,
  CampaignRow,
  EpochRow,
  ExportDocument,
  ExportLine,
  exportSchema,
  TokenRow
} from "../../../src/report/export/ExportRows.ts"
import { root } from "../../support/command.ts"
import { battleOf, drawnBattles, factsOf } from "../../support/drawnCampaigns.ts"

const mayWrite = process.env["WRITE_DOCS"] === "1"
const schemaFile = join(root, "docs/export.schema.json")
const pageFile = join(root, "docs/export.md")

const schemaOf = () => {
  const document = Schema.toJsonSchemaDocument(ExportDocument)
  const line = Schema.toJsonSchemaDocument(ExportLine)
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:${exportSchema.replaceAll("/", ":")}`,
    title: exportSchema,
    description: "What `campaign export` writes: a JSON document, or a line of JSONL. See export.md.",
    anyOf: [{ $ref: "#/$defs/document" }, { $ref: "#/$defs/line" }],
    $defs: { document: document.schema, line: line.schema, ...document.definitions, ...line.definitions }
  }
}

/** What the file holds; first what it should hold, where that is asked for. */
const held = (file: string, expected: string): string => {
  if (mayWrite) writeFileSync(file, expected)
  return readFileSync(file, "utf8")
}

interface Property {
  readonly type?: string
  readonly enum?: ReadonlyArray<string>
  readonly anyOf?: ReadonlyArray<Property>
  readonly $ref?: string
  readonly pattern?: string
  readonly allOf?: ReadonlyArray<Property>
}

/** "text, number, time": what a reader must know of a column to read it. */
const kindOf = (property: Property): string => {
  if (property.anyOf !== undefined) {
    const kinds = [...new Set(property.anyOf.map(kindOf))]
    return [...kinds.filter((kind) => kind !== "null"), ...kinds.filter((kind) => kind === "null")].join(" or ")
  }
  if (property.$ref !== undefined) return "object"
  if (property.enum !== undefined) return property.enum.map((value) => `\`${value}\``).join(", ")
  if (JSON.stringify(property).includes("\"pattern\"")) return "time"
  return {
    string: "text",
    integer: "integer",
    number: "number",
    boolean: "flag",
    array: "list"
  }[property.type ?? ""] ??
    property.type ?? ""
}

const tableOf = (name: string, schema: Schema.Top): string => {
  const { properties } = Schema.toJsonSchemaDocument(schema).schema as {
    readonly properties: Readonly<Record<string, Property & { readonly description: string }>>
  }
  const rows = Object.entries(properties).map(([column, property]) => {
    assert.isAbove(property.description?.length ?? 0, 5, column)
    return `| \`${column}\` | ${kindOf(property)} | ${property.description.replaceAll("|", "\\|")} |`
  })
  return `### ${name}\n\n| name | kind | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`
}

const columns = () =>
  [
    tableOf("Keys of the campaign", CampaignRow),
    tableOf("Keys of epochs", EpochRow),
    tableOf("Columns of battles", BattleRow),
    tableOf("Columns of attempts", AttemptRow),
    "In JSON and JSONL an attempt has `token_times` besides: its arrivals as `{at_ms, tokens}`. In JSON the attempts of a " +
    "battle are its `attempt_rows`, and the document has the campaign's keys with `epochs` and `battles`.\n",
    tableOf("Columns of tokens", TokenRow)
  ].join("\n")

describe("the documentation of exports", () => {
  it("has the schema that is written", () => {
    const expected = `${JSON.stringify(schemaOf(), null, 1)}\n`
    assert.strictEqual(held(schemaFile, expected), expected)
  })

  it("has every column with what it is", () => {
    const page = readFileSync(pageFile, "utf8")
    const expected = page.replace(
      /<!-- columns -->[\s\S]*<!-- \/columns -->/,
      () => `<!-- columns -->\n\n${columns()}\n<!-- /columns -->`
    )
    assert.strictEqual(held(pageFile, expected), expected)
  })

  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schemaOf())

  it.effect.prop(
    "describes any export to a validator that is not ours",
    [drawnBattles],
    ([drawn]) =>
      Effect.gen(function*() {
        const facts = factsOf(drawn.map(battleOf))
        const textOf = (format: "json" | "jsonl", table?: CampaignExport.Table) =>
          Stream.mkString(Stream.decodeText(CampaignExport.bytes(facts, { format, table, transcripts: true })))
        const lines = `${yield* textOf("jsonl")}${yield* textOf("jsonl", "tokens")}`.split("\n").filter((line) =>
          line !== ""
        )
        for (const text of [yield* textOf("json"), ...lines]) {
          assert.isTrue(validate(JSON.parse(text)), JSON.stringify(validate.errors?.slice(0, 3)))
        }
      }),
    { arbitrary: { runs: 20 } }
  )

  it("refuses what is no export", () => {
    assert.isFalse(validate({ row: "battle", task: 1 }))
    assert.isFalse(validate({ schema: "a2a-campaign/export/2" }))
  })
})
