/**
 * One text of an attempt, reasoning or content: as text only, a piece at a time, the rest on demand.
 *
 * Law: what is shown is the beginning of the text, whole and once; more is asked for from where it ends. While an attempt
 * is in flight and all of it is shown, what is added follows by itself.
 */
import type { Piece } from "../BattlePage.ts"
import { element, setHidden, setText } from "./dom.ts"
import { visible } from "./harmless.ts"
import { getJson } from "./http.ts"
import { count } from "./words.ts"

/** What follows by itself, in characters; more waits to be asked for. */
const FOLLOWED = 20_000

export class TranscriptView {
  readonly root: HTMLElement
  readonly #text = element("pre", "transcript")
  readonly #more = element("button", "more")
  readonly #path: string
  /** Characters that are shown, and that there are. */
  #shown = 0
  #total = 0
  #first = ""
  #isAsking = false

  /** `path` answers for a piece of the text. */
  constructor(path: string, name: string) {
    this.#path = path
    this.#text.dir = "auto"
    this.#text.tabIndex = 0
    this.#text.setAttribute("role", "region")
    this.#text.setAttribute("aria-label", name)
    this.#more.type = "button"
    this.#more.addEventListener("click", () => this.#ask())
    this.root = element("div", "", this.#text, this.#more)
    this.#offer()
  }

  /** Takes the piece that the battle's page has, which begins at 0 and may have grown. */
  update(piece: Piece): void {
    // Another text than the one that is shown: begin anew.
    if (!piece.text.startsWith(this.#first) || piece.total < this.#total) {
      this.#text.replaceChildren()
      this.#shown = 0
      this.#first = ""
    }
    const followsAlong = this.#shown === this.#total
    this.#total = piece.total
    if (piece.length > this.#shown || this.#shown === 0) {
      // Only the first piece has been shown so far, so what is new in it is what is longer.
      this.#append(piece.text.slice(this.#first.length))
      this.#shown = piece.length
      this.#first = piece.text
    }
    if (followsAlong && this.#shown > 0 && this.#shown < this.#total && this.#total - this.#shown < FOLLOWED) {
      this.#ask()
    }
    this.#offer()
  }

  #append(text: string): void {
    if (text !== "") this.#text.append(document.createTextNode(visible(text)))
  }

  #ask(): void {
    if (this.#isAsking || this.#shown >= this.#total) return
    this.#isAsking = true
    const from = this.#shown
    void getJson<Piece>(`${this.#path}?from=${from}`).then((answer) => {
      this.#isAsking = false
      if ("problem" in answer) return setText(this.#more, `${answer.problem} Try again`)
      if (answer.found.from !== this.#shown) return
      this.#append(answer.found.text)
      this.#shown += answer.found.length
      this.#total = answer.found.total
      this.#offer()
    })
  }

  #offer(): void {
    setHidden(this.#more, this.#shown >= this.#total)
    setHidden(this.root, this.#total === 0)
    setText(this.#more, `Show more: ${count(this.#shown)} of ${count(this.#total)} characters are shown`)
  }
}
