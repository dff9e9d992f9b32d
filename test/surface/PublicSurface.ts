/**
 * What a program can reach of this package, read from the sources: the modules that package.json names, what they export
 * (their own and what they hand on), the members of each export, and the comment before each.
 *
 * It reads text and not types: a comment belongs to what follows it. A type with the name of a value needs no comment of
 * its own, because both are one name to whoever imports it. Members are those of interfaces, of object types, of classes,
 * of the shape of a service, and the fields of a schema.
 * Those of a name whose comment begins with "Opaque" are nobody's business: it is there to be handed on.
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { parseSync } from "rolldown/utils"
import { root } from "../support/command.ts"

/** A name that can be imported, or a member of one, such as `Engine.stream`. */
export interface Documented {
  readonly name: string
  /** Where it is declared, as `src/engine/Engine.ts:61`. */
  readonly place: string
  /** The text of the comment before it, without its frame; empty if there is none. */
  readonly comment: string
}

export interface PublicModule {
  /** What programs import: `a2a-campaign/Engine`. */
  readonly specifier: string
  /** Relative to the package. */
  readonly file: string
  /** The comment at the head of the file. */
  readonly header: string
  readonly exports: ReadonlyArray<Documented>
}

/** A node of the syntax tree, as far as it is looked at here. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: any
}

/** A file of ours, read once. */
export interface Source {
  readonly file: string
  readonly text: string
  readonly body: ReadonlyArray<Node>
  /** The comments by where they end. */
  readonly comments: ReadonlyArray<Node>
}

const sources = new Map<string, Source>()

export const sourceOf = (file: string): Source => {
  const known = sources.get(file)
  if (known !== undefined) return known
  const text = readFileSync(join(root, file), "utf8")
  const { comments, program } = parseSync(file, text, { lang: "ts" }) as unknown as {
    readonly comments: ReadonlyArray<Node>
    readonly program: { readonly body: ReadonlyArray<Node> }
  }
  const source = { file, text, body: program.body, comments }
  sources.set(file, source)
  return source
}

const withoutFrame = (comment: string): string =>
  comment.replace(/^\*+/, "").split("\n").map((line) => line.replace(/^\s*\* ?/, "")).join("\n").trim()

/** The last comment that ends before the place with nothing but white space between. */
const commentBefore = ({ comments, text }: Source, start: number): string => {
  const comment = comments.findLast(({ end }) => end <= start && text.slice(end, start).trim() === "")
  return comment?.type === "Block" && comment["value"].startsWith("*") ? withoutFrame(comment["value"]) : ""
}

export const placeOf = ({ file, text }: Source, { start }: Node): string =>
  `${file}:${text.slice(0, start).split("\n").length}`

export const nameOf = (key: Node | undefined): string => key?.["name"] ?? key?.["value"] ?? ""

/** The members that a declaration shows to whoever uses it. */
const membersOf = (node: Node | null | undefined): ReadonlyArray<Node> => {
  switch (node?.type) {
    case "TSInterfaceDeclaration":
      return membersOf(node["body"])
    case "TSInterfaceBody":
      return node["body"]
    case "TSTypeAliasDeclaration":
      return membersOf(node["typeAnnotation"])
    case "TSTypeLiteral":
      return node["members"]
    case "TSUnionType":
    case "TSIntersectionType":
      return node["types"].flatMap(membersOf)
    case "ClassDeclaration":
      return [
        ...node["body"]["body"].filter((member: Node) =>
          nameOf(member["key"]) !== "constructor" && member["accessibility"] !== "private" &&
          member["key"]?.["type"] !== "PrivateIdentifier" && member["override"] !== true
        ),
        ...membersOfParent(node["superClass"])
      ]
    default:
      return []
  }
}

/** The shape of `Context.Service<Self, Shape>()`, or the fields of `Schema.TaggedError<Self>()(tag, fields)`. */
const membersOfParent = (parent: Node | null): ReadonlyArray<Node> => {
  if (parent?.type !== "CallExpression") return []
  const fields = parent["arguments"].find((argument: Node) => argument.type === "ObjectExpression")
  const maker: Node = parent["callee"]
  const shape = maker["typeArguments"]?.["params"]?.[1]
  return [...fields === undefined ? [] : fields["properties"], ...membersOf(shape)]
}

/** The fields of `Schema.Struct({ … })`, and the cases of `Schema.TaggedUnion({ … })`. */
const fieldsOf = (value: Node | null): ReadonlyArray<Node> => {
  if (value?.type !== "CallExpression") return []
  const callee: Node = value["callee"]
  if (callee.type === "MemberExpression" && callee["object"].type === "CallExpression") {
    return fieldsOf(callee["object"])
  }
  const isOne = callee.type === "MemberExpression" && nameOf(callee["object"]) === "Schema" &&
    ["Struct", "TaggedStruct", "TaggedUnion"].includes(nameOf(callee["property"]))
  const fields = value["arguments"].find((argument: Node) => argument.type === "ObjectExpression")
  return isOne && fields !== undefined ? fields["properties"].filter(({ key }: Node) => nameOf(key) !== "_tag") : []
}

interface Declared {
  readonly source: Source
  /** What the comment stands before. */
  readonly statement: Node
  readonly members: ReadonlyArray<Node>
}

const declarationsIn = (source: Source): Map<string, ReadonlyArray<Declared>> => {
  const found = new Map<string, ReadonlyArray<Declared>>()
  const add = (name: string, declared: Declared) => found.set(name, [...found.get(name) ?? [], declared])
  for (const statement of source.body) {
    const declaration: Node | null = statement.type === "ExportNamedDeclaration" ? statement["declaration"] : statement
    if (declaration?.type === "VariableDeclaration") {
      for (const { id, init } of declaration["declarations"]) {
        const names: ReadonlyArray<string> = id.type === "ObjectPattern"
          ? id.properties.map(({ value }: Node) => nameOf(value))
          : [nameOf(id)]
        for (const name of names) add(name, { source, statement, members: fieldsOf(init) })
      }
    } else if (declaration?.["id"]) {
      add(nameOf(declaration["id"]), { source, statement, members: membersOf(declaration) })
    }
  }
  return found
}

export const resolved = (from: Source, specifier: Node): Source | undefined => {
  const text: string = specifier["value"]
  return text.startsWith(".") ? sourceOf(relative(root, join(root, dirname(from.file), text))) : undefined
}

/** What a name stands for, through however many files it is handed on. */
const declarationsOf = (source: Source, name: string): ReadonlyArray<Declared> => {
  const own = declarationsIn(source).get(name)
  if (own !== undefined) return own
  for (const statement of source.body) {
    if (statement.type !== "ImportDeclaration" && statement.type !== "ExportNamedDeclaration") continue
    const specifier = (statement["specifiers"] as ReadonlyArray<Node> | undefined)?.find((each) =>
      nameOf(each["exported"] ?? each["local"]) === name
    )
    const from = specifier && statement["source"] ? resolved(source, statement["source"]) : undefined
    if (from !== undefined) return declarationsOf(from, nameOf(specifier!["imported"] ?? specifier!["local"]))
  }
  return []
}

const exportedNames = (source: Source): ReadonlyArray<readonly [string, ReadonlyArray<Declared>]> =>
  source.body.flatMap((statement) => {
    if (statement.type === "ExportAllDeclaration") {
      const from = resolved(source, statement["source"])
      if (from === undefined) return []
      if (statement["exported"]) {
        const alias = nameOf(statement["exported"])
        return exportedNames(from).map(([name, declared]) => [`${alias}.${name}`, declared] as const)
      }
      return exportedNames(from)
    }
    if (statement.type !== "ExportNamedDeclaration") return []
    const declaration: Node | null = statement["declaration"]
    if (declaration === null) {
      return (statement["specifiers"] as ReadonlyArray<Node>).map((specifier) => {
        const from = statement["source"] ? resolved(source, statement["source"]) : source
        const name = nameOf(specifier["exported"])
        return [name, from === undefined ? [] : declarationsOf(from, nameOf(specifier["local"]))] as const
      })
    }
    const declared = declarationsIn(source)
    const names = declaration.type === "VariableDeclaration"
      ? declaration["declarations"].flatMap(({ id }: Node) =>
        id.type === "ObjectPattern" ? id["properties"].map(({ value }: Node) => nameOf(value)) : [nameOf(id)]
      )
      : [nameOf(declaration["id"])]
    return names.map((name: string) => [name, declared.get(name) ?? []] as const)
  })

const documented = (name: string, declarations: ReadonlyArray<Declared>): ReadonlyArray<Documented> => {
  const [first] = declarations
  if (first === undefined) return [{ name, place: "nowhere", comment: "" }]
  const comment = declarations.map(({ source, statement }) => commentBefore(source, statement.start)).join("\n").trim()
  const entry = { name, place: placeOf(first.source, first.statement), comment }
  if (comment.startsWith("Opaque")) return [entry]
  return [
    entry,
    ...declarations.flatMap(({ members, source }) =>
      // What tells one case from another is its name.
      members.filter((member) => !["", "_tag"].includes(nameOf(member["key"]))).map((member) => ({
        name: `${name}.${nameOf(member["key"])}`,
        place: placeOf(source, member),
        comment: commentBefore(source, member.start)
      }))
    )
  ]
}

/** What a module exports, with the members of each; `file` is relative to the package. */
export const exportsOf = (file: string): ReadonlyArray<Documented> =>
  Array.from(new Map(exportedNames(sourceOf(file))), ([name, declarations]) => documented(name, declarations)).flat()

/** Every module that package.json lets programs import, with all that is behind its names. */
export const publicModules = (): ReadonlyArray<PublicModule> => {
  const { exports, name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly name: string
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  }
  return Object.entries(exports).flatMap(([path, conditions]) => {
    if (typeof conditions === "string") return []
    const file = relative(root, join(root, conditions["a2a-campaign-source"]!))
    const { comments, text } = sourceOf(file)
    const header = text.startsWith("/**") ? withoutFrame(comments[0]!["value"]) : ""
    return [{ specifier: path.replace(".", name), file, header, exports: exportsOf(file) }]
  })
}
