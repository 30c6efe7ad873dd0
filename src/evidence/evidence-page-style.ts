/** Real, drill and lab differ in colour, in pattern and in words, on screen and on paper. */
export const evidencePageStyle = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff }
body { margin: 0 }
main { max-width: 62rem; margin: 0 auto; padding: 1rem }
.banner { margin: 0; padding: .75rem 1rem; font-weight: 700; letter-spacing: .05em; color: #fff }
.real .banner { background: #a30000 }
.drill .banner { background: repeating-linear-gradient(45deg, #00518a 0 18px, #003a63 18px 36px) }
.lab .banner { color: #1a1a1a; background: repeating-linear-gradient(135deg, #ffd34d 0 18px, #ffe48f 18px 36px) }
.lab { border: 6px dotted #8a6500 }
.drill { border: 6px dashed #00518a }
.real { border: 6px solid #a30000 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: left; font-weight: 700; padding: .25rem 0 }
th, td { border: 1px solid #767676; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
thead th { background: #eee }
svg { width: 100%; height: auto; font-size: 14px }
svg .detect { fill: #cfe8ff } svg .decide { fill: #ffe3a3 } svg .execute { fill: #ffc4b8 }
svg .verify { fill: #d8f0c8 } svg .traffic { fill: #e6d8f5 } svg .phase { stroke: #1a1a1a }
@media print { .banner { color: #000; background: none; border-bottom: 2px solid #000 } }
`
