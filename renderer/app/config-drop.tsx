import { lazy, Suspense, useEffect, useState } from 'react'
import { showToast } from '../state/action.ts'
import { useMay } from '../state/line-store.ts'
import { useText } from '../text/text.ts'

const ImportDialog = lazy(async () => ({
  default: (await import('../features/settings/import-dialog.tsx')).ImportDialog,
}))

/** A configuration has some kilobytes; what is much larger is none. */
const MAX_FILE_BYTES = 256 * 1024

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true

/**
 * A configuration that is dropped anywhere on the window: what it would change is shown before anything is. The page
 * always takes a dropped file, or the browser would go to it.
 */
export function ConfigDrop() {
  const t = useText()
  const may = useMay('owner')
  const [over, setOver] = useState(false)
  const [text, setText] = useState<string>()
  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(may)
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      const file = event.dataTransfer?.files[0]
      if (!may || file === undefined) return
      if (file.size > MAX_FILE_BYTES) showToast('bad', t('drop.tooLarge', { name: file.name }))
      else void file.text().then(setText)
    }
    // Leaving for an element inside the window is no end of the drag.
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    window.addEventListener('dragover', onOver, { signal })
    window.addEventListener('drop', onDrop, { signal })
    window.addEventListener('dragleave', onLeave, { signal })
    return () => stop.abort()
  }, [may, t])
  return (
    <>
      {over && (
        <div className="drop-hint" aria-hidden="true">
          <p>{t('drop.hint')}</p>
        </div>
      )}
      {text !== undefined && (
        <Suspense fallback={null}>
          <ImportDialog text={text} onClose={() => setText(undefined)} />
        </Suspense>
      )}
    </>
  )
}
