/** OAH's native tools by the names they have here. */
export const NATIVE: Record<string, string[]> = {
  Bash: ['shell'],
  Read: ['read', 'list'],
  Write: ['write'],
  Edit: ['edit'],
  Glob: ['glob'],
  Grep: ['grep'],
  WebFetch: ['web_fetch'],
  TodoWrite: ['todo'],
}

/** Tools that depend on what a workspace declares. */
export const ENGINE: Record<string, string[]> = {
  run_action: ['run_action'],
  Skill: ['skill'],
  SubAgent: ['task'],
  AgentSwitch: ['switch_agent'],
}
