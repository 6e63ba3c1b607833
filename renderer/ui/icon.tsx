/** Our own line drawings on a grid of 20, so that no icon font or remote file is needed. */
const ICONS = {
  overview: 'M3 3h6v6H3zM11 3h6v3h-6zM11 8h6v9h-6zM3 11h6v6H3z',
  topology:
    'M10 5.5v3M8.6 10.8 5.6 13M11.4 10.8l3 2.2M10 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM4 16.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM16 16.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  nodes: 'M3 3.5h14v5H3zM3 11.5h14v5H3zM6 6h.01M6 14h.01M9 6h5M9 14h5',
  links:
    'M8.5 11.5a3.5 3.5 0 0 0 5 0l2.5-2.5a3.5 3.5 0 0 0-5-5L9.7 5.3M11.5 8.5a3.5 3.5 0 0 0-5 0L4 11a3.5 3.5 0 0 0 5 5l1.3-1.3',
  services: 'M10 2.5 17 6v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8',
  incidents: 'M10 2.5 18 16.5H2zM10 8v4M10 14.3h.01',
  playbooks: 'M5 2.5h10v15H5zM8 6.5h4M8 10h4M8 13.5h2',
  slo: 'M3 17V3M3 17h14M6 13l3-4 3 2 4-6',
  policy: 'M10 2.5 16.5 5v4.5c0 4-2.7 6.7-6.5 8-3.8-1.3-6.5-4-6.5-8V5zM7.5 10l1.8 1.8 3.5-3.6',
  audit: 'M4 4h12M4 8h12M4 12h7M4 16h5M13 15l1.5 1.5L17.5 13',
  settings:
    'M3 6h7M14 6h3M3 14h3M10 14h7M12 8.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM8 16.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  close: 'M5 5l10 10M15 5 5 15',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4',
  copy: 'M7 7h10v10H7zM13 7V3H3v10h4',
  check: 'M4 10.5 8 14.5 16 6',
  up: 'M5 12.5 10 7.5l5 5',
  down: 'M5 7.5l5 5 5-5',
  left: 'M12.5 5l-5 5 5 5',
  right: 'M7.5 5l5 5-5 5',
  external: 'M11 3h6v6M17 3l-8 8M14 12v5H3V6h5',
  play: 'M6 3.5 16 10 6 16.5z',
  pause: 'M6.5 4v12M13.5 4v12',
  refresh: 'M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.5v3.5H13',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  fit: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  trash: 'M4 6h12M8 6V3.5h4V6M6 6l.7 10.5h6.6L14 6M8.5 9v5M11.5 9v5',
  download: 'M10 3v10M6 9.5l4 4 4-4M3.5 17h13',
  upload: 'M10 14V4M6 7.5l4-4 4 4M3.5 17h13',
  clock: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 6v4.3l3 1.7',
  shield: 'M10 2.5 16.5 5v4.5c0 4-2.7 6.7-6.5 8-3.8-1.3-6.5-4-6.5-8V5z',
  sun: 'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.4 4.4l1 1M14.6 14.6l1 1M4.4 15.6l1-1M14.6 5.4l1-1',
  moon: 'M16.5 11.8A7 7 0 1 1 8.2 3.5a5.5 5.5 0 0 0 8.3 8.3Z',
  display: 'M2.5 3.5h15v10h-15zM7 17h6M10 13.5V17',
  language:
    'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM2.5 10h15M10 2.5c2.5 2.3 3.5 5 3.5 7.5s-1 5.2-3.5 7.5c-2.5-2.3-3.5-5-3.5-7.5s1-5.2 3.5-7.5Z',
  person: 'M10 9.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM3.5 17c.6-3.3 3.2-5 6.5-5s5.9 1.7 6.5 5',
  note: 'M4 3.5h12v9l-4 4H4zM12 16.5v-4h4M7 7h6M7 10h4',
  bell: 'M5 14V9a5 5 0 0 1 10 0v5l1.5 1.5h-13zM8.5 17.5h3',
  bellOff: 'M5 14V9c0-.8.2-1.6.5-2.2M7.5 4.7A5 5 0 0 1 15 9v3M16.5 15.5h-13L5 14M8.5 17.5h3M3 3l14 14',
  undo: 'M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8',
  bolt: 'M11 2.5 4.5 11.5H10L9 17.5l6.5-9H10z',
  arrow: 'M3 10h14M12.5 5.5 17 10l-4.5 4.5',
  eye: 'M2 10c2-3.7 4.7-5.5 8-5.5s6 1.8 8 5.5c-2 3.7-4.7 5.5-8 5.5S4 13.7 2 10ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  plug: 'M7 2.5V7M13 2.5V7M5 7h10v3a5 5 0 0 1-10 0zM10 15v3',
} as const

export type IconName = keyof typeof ICONS

/** Decoration beside words: it is never the only thing that tells something. */
export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={ICONS[name]} />
    </svg>
  )
}
