"""Reinforcement learning: rollouts, rewards, settings."""
