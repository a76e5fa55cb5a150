"""The review queue (要確認一覧): all that waits for a human, why, what was tried, and what may safely be done about it."""
