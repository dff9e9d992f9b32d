import { assert, describe, it } from "@effect/vitest"
import stringWidth from "string-width"
import type { Definition } from "../../src/campaign/Definition.ts"
import { renderCells } from "../../src/terminal/renderCells.ts"
import { began, definitionOf, nastyNames, scoredOutcome, viewOf } from "./campaigns.ts"

const definitionFor = (tasks: ReadonlyArray<string>, agents: ReadonlyArray<string>): Definition => {
  const definition = definitionOf(tasks as [string, ...Array<string>], { repetitions: 4 })
  const [agent] = definition.agents
  const [first, ...others] = agents.map((name) => ({ ...agent, name }))
  return { ...definition, agents: [first!, ...others] }
}

/** Task n has n of its four battles scored with each agent, and the last one of task 3 has no score with agent b. */
const linesOf = (tasks: ReadonlyArray<string>, agents: ReadonlyArray<string>, columns: number, most: number) => {
  const view = viewOf([
    began(
      definitionFor(tasks, agents),
      ({ agent, repetition, task }) =>
        task === "t3" && agent === "b" && repetition === 4
          ? { _tag: "Unscored", reason: "stalled", attempt: 1 }
          : repetition <= tasks.indexOf(task)
          ? scoredOutcome(1, 2)
          : { _tag: "Pending" }
    )
  ])
  return renderCells(view, columns, most).map((pieces) => pieces.map(({ text }) => text).join("").trimEnd())
}

const tasks = ["t0", "t1", "t2", "t3", "t4"]

describe("renderCells", () => {
  it("is a table where there is room, a line for each agent where there is less, and one line in the end", () => {
    assert.deepStrictEqual(linesOf(tasks, ["a", "b"], 80, 6), [
      "       a          b",
      "  t0   0/4        0/4",
      "  t1   1/4 0.50   1/4 0.50",
      "  t2   2/4 0.50   2/4 0.50",
      "  t3   3/4 0.50   4/4 0.50 ○1",
      "  t4   4/4 0.50   4/4 0.50"
    ])
    const agents = [
      "  a  10/20 0.50     ·▂▄▆█",
      "  b  11/20 0.50 ○1  ·▂▄██"
    ]
    assert.deepStrictEqual(linesOf(tasks, ["a", "b"], 80, 5), agents)
    assert.deepStrictEqual(linesOf(tasks, ["a", "b"], 80, 2), agents)
    assert.deepStrictEqual(linesOf(tasks, ["a", "b"], 80, 1), ["  a 10/20  b 11/20  ·▂▄▇█"])
    assert.deepStrictEqual(linesOf(tasks, ["a", "b"], 80, 0), [])
  })

  it("needs no names of agents where there is one, and nothing where there is nothing to compare", () => {
    assert.deepStrictEqual(linesOf(tasks, ["a"], 60, 9), [
      "  t0 0/4        t1 1/4 0.50   t2 2/4 0.50   t3 3/4 0.50",
      "  t4 4/4 0.50"
    ])
    assert.deepStrictEqual(linesOf(tasks, ["a"], 60, 1), ["  tasks  10/20 0.50  ·▂▄▆█"])
    assert.deepStrictEqual(linesOf(["t0"], ["a"], 80, 9), [])
  })

  it("counts the agents that do not fit, and puts neighbouring tasks together", () => {
    const many = Array.from({ length: 100 }, (_, index) => `task ${index}`)
    const agents = ["qwen3-8b", "llama-3.1-70b-instruct", "mistral-small", "gpt-oss-120b"]
    const [line] = linesOf(many, agents, 80, 1)
    assert.match(line!, /^ {2}qwen3-8b 3\d\d\/400 {2}llam\S+ct \d+\/400 {2}\+2 agents {2}[·▁▂▃▄▅▆▇█]{25}$/u)
  })

  it("is never too wide or too high, whatever the names are", () => {
    for (const columns of [1, 5, 12, 40, 80, 200]) {
      for (const most of [1, 2, 5, 60]) {
        for (const agents of [["a"], nastyNames.slice(0, 3), nastyNames]) {
          const lines = linesOf(nastyNames, agents, columns, most)
          assert.isAtMost(lines.length, most)
          if (columns >= 40) { for (const line of lines) assert.isAtMost(stringWidth(line), columns, line) }
        }
      }
    }
  })
})
