/** Every key that does something where the person is. */

import { Dialog } from './components/dialog.tsx'
import { KeyCaps } from './components/key-caps.tsx'
import { bindings } from './keys.tsx'

export function KeyHelp({ onClose }: { onClose(): void }) {
  const groups = Map.groupBy(bindings(), (binding) => binding.group)
  return (
    <Dialog title="Keys" onClose={onClose} width="max-w-2xl">
      <div className="grid gap-6 sm:grid-cols-2">
        {[...groups].map(([group, list]) => (
          <section key={group}>
            <h3 className="mb-2 text-sm font-semibold">{group}</h3>
            <dl className="flex flex-col gap-1.5 text-sm">
              {list.map((binding) => (
                <div key={binding.keys} className="flex items-center justify-between gap-4">
                  <dt className="text-soft">{binding.about}</dt>
                  <dd>
                    <KeyCaps keys={binding.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
