/** How agents were followed, and which engines their answers came from. */
import type { Report } from "../../Report.ts"
import { type Block, paragraph, type Section, type Table, unknown } from "../Document.ts"
import { counted, integer, moment, none, score } from "../words.ts"
import { restsOn } from "./restsOn.ts"

export const provenanceSection = ({ delivery, epochs }: Report): Section => ({
  id: "provenance",
  title: "How agents were followed, and their engines",
  blocks: [
    deliveryTable(delivery),
    restsOn(delivery.query),
    ...epochBlocks(epochs),
    restsOn(epochs.query)
  ]
})

const deliveryTable = ({ byAgent }: Report["delivery"]): Table => ({
  _tag: "Table",
  caption: "How the work of each agent was followed, in attempts; untold ones told no tokens",
  columns: [{ title: "agent" }, { title: "asked for" }, { title: "followed by" }, { title: "why", prose: true }],
  rows: byAgent.map(({ agent, asked, modes, why }) => [
    agent,
    asked ?? "the best it can",
    modes.length === 0
      ? none
      : modes.map(({ attempts, mode, untold }) =>
        `${mode}: ${integer(attempts)}${untold === 0 ? "" : `, ${integer(untold)} of them untold`}`
      ).join("; "),
    why
  ])
})

const epochBlocks = ({ mixedCells, mixedModelCells, rows }: Report["epochs"]): ReadonlyArray<Block> => {
  if (rows.every(({ epoch }) => epoch === null)) {
    return [unknown("No engine is known by its epochs, so nothing tells whether one was restarted in between.")]
  }
  return [
    paragraph(
      "An epoch is a stretch of time in which one engine served one model without a restart. ",
      mixedCells === 0
        ? "No pair of task and agent has scores from more than one of them."
        : `${counted(mixedCells, "pair")} of task and agent ${mixedCells === 1 ? "mixes" : "mix"} scores of several, ${
          mixedModelCells === 0 ? "all of the same model" : `${integer(mixedModelCells)} of them of different models`
        }.`
    ),
    {
      _tag: "Table",
      caption: "Engines as they were first seen, and each time one came back as another",
      columns: [
        { title: "epoch" },
        { title: "engine" },
        { title: "model" },
        { title: "first seen", whole: true },
        { title: "server began", whole: true },
        { title: "attempts", numeric: true },
        { title: "completed", numeric: true },
        { title: "stalled", numeric: true },
        { title: "failed", numeric: true },
        { title: "scored", numeric: true },
        { title: "mean score", numeric: true }
      ],
      rows: rows.map((row) => [
        row.epoch === null ? "not known" : integer(row.epoch.id),
        row.epoch?.engine ?? none,
        row.epoch === null
          ? none
          : row.epoch.modelRoot === null || row.epoch.modelRoot === row.epoch.modelId
          ? row.epoch.modelId
          : `${row.epoch.modelId} (from ${row.epoch.modelRoot})`,
        row.epoch === null ? none : moment(row.epoch.beganAt),
        row.epoch === null || row.epoch.serverStartedAt === null ? none : moment(row.epoch.serverStartedAt),
        integer(row.attempts),
        integer(row.completed),
        integer(row.stalled),
        integer(row.failed),
        integer(row.scored),
        score(row.meanScore)
      ])
    }
  ]
}
