/** What a report may be written as, by the end of its file's name. */

export type ReportKind = "html" | "markdown" | "json"

export const reportKinds: Readonly<Record<string, ReportKind>> = {
  ".html": "html",
  ".htm": "html",
  ".md": "markdown",
  ".markdown": "markdown",
  ".json": "json"
}
