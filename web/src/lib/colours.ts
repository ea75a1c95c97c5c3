// Colours of parts and sections, as the theme has them.

export const partColour = (index: number) => `var(--part-${index % 8})`

const SECTIONS: Record<string, number> = { intro: 7, verse: 1, chorus: 0, bridge: 4, solo: 2, break: 5, end: 7 }

/** The number of the colour of a section: named ones have their own, letters theirs. */
export function sectionColour(name: string): number {
  const known = SECTIONS[name.toLowerCase()]
  if (known !== undefined) return known
  return [0, 1, 3, 4, 2, 5, 6][(name.toUpperCase().charCodeAt(0) - 65 + 7) % 7] ?? 7
}

export interface Theme {
  paper: string
  sheet: string
  well: string
  ink: string
  soft: string
  line: string
  strong: string
  rubric: string
  parts: string[]
}

/** The colours that stand on the page now, for what is drawn on a canvas. */
export function themeOf(element: HTMLElement): Theme {
  const probe = document.createElement('i')
  element.append(probe)
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const theme = {
    paper: colour('paper'),
    sheet: colour('sheet'),
    well: colour('well'),
    ink: colour('ink'),
    soft: colour('soft'),
    line: colour('line'),
    strong: colour('line-strong'),
    rubric: colour('rubric'),
    parts: Array.from({ length: 8 }, (_, index) => colour(`part-${index}`)),
  }
  probe.remove()
  return theme
}
