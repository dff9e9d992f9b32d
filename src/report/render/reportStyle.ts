/**
 * How the HTML report looks: light and dark, page, telephone and paper.
 *
 * Series of figures have the colours of Okabe and Ito (2008), which people with any kind of colour vision tell apart, made
 * lighter on dark; no figure relies on them alone. Every text has a contrast of at least 4.5 to 1.
 */

/** What the figures of a report that stands alone are drawn with. */
export const lightColors: Readonly<Record<string, string>> = {
  "--paper": "#ffffff",
  "--ink": "#1b1f24",
  "--faint": "#57606a",
  "--line": "#d0d7de",
  "--series-1": "#0072b2",
  "--series-2": "#d55e00",
  "--series-3": "#007a5a",
  "--series-4": "#8f4f7d",
  "--series-5": "#8a6100",
  "--series-6": "#1b1f24"
}

const darkColors: Readonly<Record<string, string>> = {
  "--paper": "#14171b",
  "--ink": "#e6e9ec",
  "--faint": "#a4adb7",
  "--line": "#3a424b",
  "--series-1": "#56b4e9",
  "--series-2": "#ff9a4d",
  "--series-3": "#35c79a",
  "--series-4": "#e09ac6",
  "--series-5": "#e6b422",
  "--series-6": "#e6e9ec"
}

const declared = (colors: Readonly<Record<string, string>>): string =>
  Object.entries(colors).map(([name, color]) => `${name}:${color};`).join("")

export const reportStyle = `
:root{color-scheme:light dark;${
  declared(lightColors)
}--soft:#f6f8fa;--known-not:#fff4e0;--link:#0b5cad;--shade:0,114,178;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media (prefers-color-scheme:dark){:root{${
  declared(darkColors)
}--soft:#1d2228;--known-not:#33290f;--link:#7fbdf5;--shade:86,180,233}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--paper);color:var(--ink);overflow-wrap:break-word}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem}
h2{font-size:1.3rem;line-height:1.25;margin:2.6rem 0 .6rem;padding-top:.4rem;border-top:1px solid var(--line)}
nav h2{font-size:1rem;border:0;margin:0;padding:0}
p,ul,dl{margin:.6rem 0}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--series-2);outline-offset:2px}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--soft);padding:.05em .3em;border-radius:3px}
td,th,dd,dt,code,h1,li{unicode-bidi:isolate}
.subtitle{color:var(--faint);margin:0}
nav{background:var(--soft);border-radius:6px;padding:.8rem 1rem;margin:1.2rem 0}
nav ol{margin:.3rem 0 0;padding-left:1.4rem;columns:2;column-gap:2rem}
nav li{break-inside:avoid;padding-left:.2rem}
.note{border-left:4px solid var(--series-5);background:var(--known-not);padding:.5rem .8rem;border-radius:0 4px 4px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:.7rem;margin:1rem 0}
.facts div{background:var(--soft);border-radius:6px;padding:.7rem .9rem}
.facts dt{color:var(--faint);font-size:.9rem}
.facts dd{margin:0}
.facts .value{font-size:1.45rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.facts .detail{font-size:.88rem;color:var(--faint)}
dl:not(.facts) dt{font-weight:600;margin-top:.7rem}
dl:not(.facts) dd{margin:0 0 0 1.2rem}
.scroll{overflow-x:auto;margin:0 0 .8rem}
table{border-collapse:collapse;font-size:.88rem;line-height:1.35;font-variant-numeric:tabular-nums;min-width:min(46rem,60%)}
p,ul,dl,nav,figure{max-width:46rem}
.caption{color:var(--faint);font-size:.88rem;margin:1rem 0 .2rem}
td .detail,th .detail{display:block;font-size:.92em;color:var(--faint);white-space:nowrap}
th,td{padding:.28rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);max-width:22rem}
th:first-child,td:first-child{padding-left:.2rem}
thead th{vertical-align:bottom;border-bottom:2px solid var(--faint)}
tbody th{font-weight:500;min-width:6rem}
.whole{white-space:nowrap}
.prose{min-width:13rem}
.number{text-align:right;white-space:nowrap}
thead .number{white-space:normal}
.shade-1{background:rgba(var(--shade),.07)}.shade-2{background:rgba(var(--shade),.14)}.shade-3{background:rgba(var(--shade),.21)}
.shade-4{background:rgba(var(--shade),.28)}.shade-5{background:rgba(var(--shade),.35)}
figure{margin:1.4rem 0}
figcaption{font-size:.9rem;color:var(--faint);margin:.4rem 0}
figcaption strong{color:var(--ink)}
figure svg{display:block;max-width:100%;height:auto;color:var(--ink)}
svg text{white-space:pre}
.phone-width{display:none}
summary{cursor:pointer;color:var(--link);font-size:.9rem}
@media (max-width:719px){
body{padding:1rem .75rem 3rem}
.page-width{display:none}.phone-width{display:block}
nav ol{columns:1}
h1{font-size:1.4rem}
.facts{grid-template-columns:1fr}
}
@media print{
@page{size:A4;margin:16mm 15mm}
:root{${declared(lightColors)}--soft:#f6f8fa;--known-not:#fff4e0;--shade:0,114,178;font-size:10.5pt}
body,p,ul,dl,nav,figure{max-width:none}
body{padding:0}
figure svg{width:100%}
.page-width{display:block}.phone-width{display:none}
nav ol{columns:2}
a{color:inherit;text-decoration:none}
h2{break-after:avoid}
figure,.note,.facts div,tr,dd{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible}
table{font-size:8.5pt}
.prose{min-width:0}
th,td{padding:.2rem .35rem}
figure details{display:none}
details::details-content{content-visibility:visible;block-size:auto}
}
`
