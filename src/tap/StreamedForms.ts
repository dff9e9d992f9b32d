/**
 * What was found out about asking this engine for a stream where an agent wants a whole answer, model by model: one that
 * refuses streams, or tells no usage in them, is not asked for one again and again.
 *
 * A refusal may have been meant for something else in the request, so that it takes several in a row.
 */

const REFUSALS = 3

type Outcome = "refused" | "taken" | "without usage"

export class StreamedForms {
  readonly #refusals = new Map<string, number>()

  /** Whether it is worth asking. */
  readonly mayAsk = (model: string): boolean => (this.#refusals.get(model) ?? 0) < REFUSALS

  readonly learn = (model: string, outcome: Outcome): void => {
    if (outcome === "taken") this.#refusals.delete(model)
    else this.#refusals.set(model, outcome === "refused" ? (this.#refusals.get(model) ?? 0) + 1 : REFUSALS)
  }
}
