/** The files of the bundle never import each other in a circle, whatever imports whatever. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { chunkLayers } from "../../build/chunkLayers.ts"
import { runs } from "../support/propertyRuns.ts"

const NAMES = Array.from({ length: 12 }, (_, index) => String(index))
const Names = Schema.Array(Schema.Literals(NAMES)).check(Schema.isMaxLength(4))
const Graph = Schema.Array(Schema.Struct({ imports: Names, later: Names })).check(
  Schema.isMinLength(NAMES.length),
  Schema.isMaxLength(NAMES.length)
)

describe("chunkLayers", () => {
  it.prop("puts all that is reached in layers that import only each other's elders", [Graph], ([graph]) => {
    const layerOf = chunkLayers("0", (id) => graph[Number(id)])
    const layers = [...new Set(layerOf.values())]
    assert.strictEqual(layers[0], "0")
    for (const [id, layer] of layerOf) {
      const { imports, later } = graph[Number(id)]!
      for (const other of imports) {
        assert.isAtMost(layers.indexOf(layerOf.get(other)!), layers.indexOf(layer), `${id} imports ${other}`)
      }
      // What is loaded later begins a layer, or is loaded already.
      for (const other of later) assert.isDefined(layerOf.get(other))
    }
  }, runs)

  it("loads at once what the beginning needs, and what a verb alone needs with that verb", () => {
    const graph: Record<string, { imports: Array<string>; later: Array<string> }> = {
      main: { imports: ["core"], later: ["large", "small"] },
      core: { imports: [], later: [] },
      small: { imports: ["core", "shared"], later: [] },
      large: { imports: ["shared", "own", "core"], later: ["largest"] },
      shared: { imports: [], later: [] },
      own: { imports: ["foreign"], later: [] },
      largest: { imports: ["own", "large", "end"], later: [] },
      end: { imports: [], later: [] }
    }
    assert.deepStrictEqual(Object.fromEntries(chunkLayers("main", (id) => graph[id])), {
      main: "main",
      core: "main",
      small: "small",
      shared: "small",
      large: "large",
      own: "large",
      largest: "largest",
      end: "largest"
    })
  })
})
