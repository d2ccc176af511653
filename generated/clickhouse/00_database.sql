-- Made by `topicwright generate` from registry.toml; do not edit.
CREATE DATABASE IF NOT EXISTS game
