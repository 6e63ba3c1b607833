import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useId, useMemo, useRef } from 'react'
import { useText } from '../text/text.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { createMapController, type MapController } from './controller.ts'
import {
  type Direction,
  type MapGraph,
  type MapPaths,
  NO_PATHS,
  neighboursOf,
  neighbourTowards,
} from './graph.ts'

interface MeshMapProps {
  readonly graph: MapGraph
  readonly selected: string | undefined
  readonly paths?: MapPaths
  readonly onSelect: (id: string | undefined) => void
  /** Double click, or Enter on the selected one. */
  readonly onOpen: (id: string) => void
  readonly label: string
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
}
const ZOOM_STEP = 1.25
const CLICK_SLACK = 4

/** The mesh as a picture: a canvas that is moved, zoomed, and walked with the arrow keys from neighbour to neighbour. */
export function MeshMap(props: MeshMapProps) {
  const { graph, selected, paths = NO_PATHS, onSelect, onOpen, label } = props
  const t = useText()
  const helpId = useId()
  const optionId = useId()
  const canvas = useRef<HTMLCanvasElement>(null)
  const controller = useRef<MapController>(null)
  const neighbours = useMemo(() => neighboursOf(graph), [graph])
  const selectedIndex = useMemo(() => {
    const index = graph.nodes.findIndex(({ id }) => id === selected)
    return index === -1 ? undefined : index
  }, [graph, selected])

  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const made = createMapController(element)
    controller.current = made
    const sizes = new ResizeObserver(() => made.resize())
    sizes.observe(element)
    // The colours are those of the theme, which is an attribute of the page.
    const themes = new MutationObserver(() => made.repaint())
    themes.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] })
    const onWheel = (event: WheelEvent): void => {
      // Only with Ctrl, or the page could not be scrolled past the map.
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      made.zoom(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, event.offsetX, event.offsetY)
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => {
      element.removeEventListener('wheel', onWheel)
      sizes.disconnect()
      themes.disconnect()
      made.stop()
      controller.current = null
    }
  }, [])
  useEffect(() => controller.current?.show(graph), [graph])
  useEffect(() => controller.current?.mark(selectedIndex, paths), [selectedIndex, paths])

  const current = graph.nodes[selectedIndex ?? graph.nodes.findIndex(({ self }) => self)]
  const drag = usePointer(controller, graph, onSelect, onOpen)
  const onKey = useMapKeys({ controller, graph, neighbours, selectedIndex, onSelect, onOpen })

  return (
    <div className="map">
      <div
        className="map-stage"
        role="listbox"
        aria-label={label}
        aria-describedby={helpId}
        aria-activedescendant={current === undefined ? undefined : optionId}
        tabIndex={0}
        onKeyDown={onKey}
      >
        <canvas ref={canvas} className="map-canvas" {...drag} />
        {current !== undefined && (
          // The one that the arrow keys have come to; the table beside the map lists all of them.
          <div
            role="option"
            id={optionId}
            aria-selected={selectedIndex !== undefined}
            className="sr-only"
            tabIndex={-1}
          >
            {t('map.option', { name: current.label, state: t(`tone.${current.tone}`) })}
          </div>
        )}
      </div>
      <p id={helpId} className="sr-only">
        {t('map.keys')}
      </p>
      <div className="map-tools">
        <MapTool icon="plus" label={t('map.nearer')} onClick={() => controller.current?.zoom(ZOOM_STEP)} />
        <MapTool
          icon="minus"
          label={t('map.farther')}
          onClick={() => controller.current?.zoom(1 / ZOOM_STEP)}
        />
        <MapTool icon="fit" label={t('map.fit')} onClick={() => controller.current?.fit()} />
      </div>
    </div>
  )
}

function MapTool({
  icon,
  label,
  onClick,
}: {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
}) {
  return (
    <button type="button" className="map-tool" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} size={15} />
    </button>
  )
}

type ControllerRef = { readonly current: MapController | null }

/** Dragging moves the map, a click selects, a double click opens. */
function usePointer(
  controller: ControllerRef,
  graph: MapGraph,
  onSelect: (id: string | undefined) => void,
  onOpen: (id: string) => void,
) {
  const from = useRef<{ x: number; y: number; moved: boolean }>(undefined)
  const idAt = (event: { nativeEvent: { offsetX: number; offsetY: number } }): string | undefined => {
    const { offsetX, offsetY } = event.nativeEvent
    const index = controller.current?.hit(offsetX, offsetY)
    return index === undefined ? undefined : graph.nodes[index]?.id
  }
  return {
    onPointerDown(event: PointerEvent<HTMLCanvasElement>) {
      event.currentTarget.setPointerCapture(event.pointerId)
      from.current = { x: event.clientX, y: event.clientY, moved: false }
    },
    onPointerMove(event: PointerEvent<HTMLCanvasElement>) {
      const start = from.current
      if (start === undefined) {
        const over = controller.current?.hover(event.nativeEvent.offsetX, event.nativeEvent.offsetY)
        event.currentTarget.style.cursor = over === undefined ? 'grab' : 'pointer'
        return
      }
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y]
      if (!start.moved && Math.hypot(dx, dy) < CLICK_SLACK) return
      controller.current?.pan(dx, dy)
      from.current = { x: event.clientX, y: event.clientY, moved: true }
    },
    onPointerUp(event: PointerEvent<HTMLCanvasElement>) {
      if (from.current?.moved === false) onSelect(idAt(event))
      from.current = undefined
    },
    onPointerCancel() {
      from.current = undefined
    },
    onDoubleClick(event: { nativeEvent: { offsetX: number; offsetY: number } }) {
      const id = idAt(event)
      if (id !== undefined) onOpen(id)
    },
  }
}

interface MapKeysOptions {
  readonly controller: ControllerRef
  readonly graph: MapGraph
  readonly neighbours: readonly (readonly number[])[]
  readonly selectedIndex: number | undefined
  readonly onSelect: (id: string | undefined) => void
  readonly onOpen: (id: string) => void
}

function useMapKeys(options: MapKeysOptions): (event: KeyboardEvent) => void {
  const { controller, graph, neighbours, selectedIndex, onSelect, onOpen } = options
  const select = useCallback(
    (index: number | undefined) => {
      const id = index === undefined ? undefined : graph.nodes[index]?.id
      if (index === undefined || id === undefined) return
      controller.current?.reveal(index)
      onSelect(id)
    },
    [controller, graph, onSelect],
  )
  return (event) => {
    const direction = ARROWS[event.key]
    if (direction !== undefined) {
      const positions = controller.current?.positions
      const own = graph.nodes.findIndex(({ self }) => self)
      if (selectedIndex === undefined) select(Math.max(0, own))
      else if (positions !== undefined) {
        select(neighbourTowards(positions, selectedIndex, neighbours[selectedIndex] ?? [], direction))
      }
    } else if (event.key === 'Enter' && selectedIndex !== undefined) {
      const id = graph.nodes[selectedIndex]?.id
      if (id !== undefined) onOpen(id)
    } else if (event.key === 'Escape') onSelect(undefined)
    else if (event.key === '+' || event.key === '=') controller.current?.zoom(ZOOM_STEP)
    else if (event.key === '-') controller.current?.zoom(1 / ZOOM_STEP)
    else if (event.key === '0') controller.current?.fit()
    else return
    event.preventDefault()
  }
}
