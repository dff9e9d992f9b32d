/**
 * The types in the signatures of what programs can import, which they cannot import themselves.
 *
 * Whoever writes a service of their own in the place of ours must be able to name what it takes and gives. A type counts as
 * named in a signature where it is written: in an annotation of an export, of its parameters and results, or of a member;
 * not in the body of a function, and not where the compiler found it by itself.
 */
import { nameOf, type Node, placeOf, publicModules, resolved, type Source, sourceOf } from "./PublicSurface.ts"

/** Where each name of a file that it imports from another one of ours is declared. */
const importsOf = (source: Source): ReadonlyMap<string, (member: string) => string> =>
  new Map(
    source.body.filter(({ type }) => type === "ImportDeclaration").flatMap((statement) => {
      const from = resolved(source, statement["source"])
      return from === undefined ? [] : (statement["specifiers"] as ReadonlyArray<Node>).map((specifier) => {
        const name = specifier["imported"] === undefined ? undefined : nameOf(specifier["imported"])
        return [nameOf(specifier["local"]), (member: string) => `${from.file}#${name ?? member}`] as const
      })
    })
  )

/** The names of types that are written in a signature, as `Name` or `Namespace.Name`. */
const typesIn = (node: unknown): ReadonlyArray<readonly [name: string, member: string]> => {
  if (Array.isArray(node)) return node.flatMap(typesIn)
  if (typeof node !== "object" || node === null) return []
  const { type, ...fields } = node as Node
  const isFunction = type === "ArrowFunctionExpression" || type === "FunctionExpression" ||
    type === "FunctionDeclaration"
  // What is annotated need not be read further.
  const isAnnotated = type === "VariableDeclarator" && fields["id"].typeAnnotation
  const found = Object.entries(fields).flatMap(([field, value]) =>
    (isFunction && field === "body" && value.type === "BlockStatement") || (isAnnotated && field === "init")
      ? []
      : typesIn(value)
  )
  const name = fields["typeName"]
  if (type !== "TSTypeReference" || name === undefined) return found
  return [...found, name.type === "Identifier" ? [name.name, name.name] : [nameOf(name.left), nameOf(name.right)]]
}

/** Each such type with the places of the exports that name it. */
export const unnameable = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const exported = publicModules().flatMap(({ exports }) => exports.filter(({ name }) => !name.includes(".")))
  const nameable = new Set(exported.map(({ name, place }) => `${place.split(":")[0]}#${name}`))
  const places = new Set(exported.flatMap(({ comment, place }) => comment.startsWith("Opaque") ? [] : [place]))
  const found = new Map<string, ReadonlyArray<string>>()
  for (const file of new Set(exported.map(({ place }) => place.split(":")[0]!))) {
    const source = sourceOf(file)
    const imports = importsOf(source)
    for (const statement of source.body) {
      const place = placeOf(source, statement)
      if (!places.has(place)) continue
      for (const [name, member] of typesIn(statement)) {
        const type = imports.get(name)?.(member)
        if (type === undefined || nameable.has(type)) continue
        const known = found.get(type) ?? []
        if (!known.includes(place)) found.set(type, [...known, place])
      }
    }
  }
  return found
}
