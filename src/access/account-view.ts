/**
 * The engine as one account sees it: of the agents and endpoints that people have made, only its own,
 * beside those of the server. What others have made is neither told nor can it be named or changed.
 */

import { ownerOf } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import type { Catalog, Endpoints, Engine } from '../kernel/ports.ts'

export function viewFor(account: string, engine: Engine): Engine {
  const own = { catalog: catalogFor(account, engine), endpoints: endpointsFor(account, engine) }
  return new Proxy(engine, {
    get(target, name) {
      if (name === 'catalog' || name === 'endpoints') return own[name]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function catalogFor(account: string, { catalog }: Pick<Engine, 'catalog'>): Catalog {
  const isShown = (owner: string | null): boolean => owner === null || owner === account
  const isHidden = (name: string): boolean => {
    const agent = catalog.agent(name)
    return agent !== null && !isShown(ownerOf(agent))
  }
  return {
    agents: () => catalog.agents().filter((agent) => isShown(ownerOf(agent))),
    agent: (name) => (isHidden(name) ? null : catalog.agent(name)),
    problems: () => catalog.problems(),
    onChange: (listener) => catalog.onChange(listener),
    async write(name, files) {
      if (isHidden(name))
        throw new Fault('conflict', `The name ${name} is taken. Choose another.`, { what: 'agent' })
      return catalog.write(name, files)
    },
    async remove(name) {
      if (isHidden(name)) throw new Fault('not_found', `There is no agent ${name}.`)
      return catalog.remove(name)
    },
    close: () => catalog.close(),
  }
}

function endpointsFor(account: string, { endpoints }: Pick<Engine, 'endpoints'>): Endpoints {
  const mine = async () =>
    (await endpoints.list()).filter((e) => e.account === undefined || e.account === account)
  return { ...endpoints, list: mine }
}
