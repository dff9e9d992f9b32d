/**
 * Which modules of the command lie in one file: few files, and none that a verb loads in vain but for what verbs share.
 *
 * What the command loads at once is the first layer. Every verb that is loaded later, from the one that needs least to the
 * one that needs most, is a layer of all that it needs and that no layer before it has.
 *
 * Laws: a module imports only from its own layer and from those before it, since each layer was filled with all that its
 * first module needs; so files never import each other in a circle, whatever order their modules are evaluated in. What
 * the first layer needs is in the first layer.
 */

/** Names of modules, by which they are asked for. */
interface Module {
  readonly imports: ReadonlyArray<string>
  /** Those that it loads when it needs them. */
  readonly later: ReadonlyArray<string>
}

/** For each module that is reached from `entry` the first module of its layer. A module without an answer is foreign. */
export const chunkLayers = (
  entry: string,
  moduleOf: (id: string) => Module | undefined
): ReadonlyMap<string, string> => {
  const later = new Set<string>()
  const neededBy = (first: string) => {
    const needed = new Set<string>()
    const open = [first]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const module = needed.has(id) ? undefined : moduleOf(id)
      if (module === undefined) continue
      needed.add(id)
      open.push(...module.imports)
      for (const other of module.later) later.add(other)
    }
    return needed
  }
  const layers = [{ first: entry, needed: neededBy(entry) }]
  // Grows while it is gone through.
  for (const first of later) if (first !== entry) layers.push({ first, needed: neededBy(first) })
  const [start, ...others] = layers
  const layerOf = new Map<string, string>()
  for (const { first, needed } of [start!, ...others.toSorted((a, b) => a.needed.size - b.needed.size)]) {
    for (const id of needed) if (!layerOf.has(id)) layerOf.set(id, first)
  }
  return layerOf
}
